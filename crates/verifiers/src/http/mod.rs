//! How providers are asked (providers.md H1 to H9): over HTTPS, at the hosts of their configuration, without following
//! anybody elsewhere, within a time and a size.

mod address;
mod breaker;
mod call;
mod endpoint;
mod fault;
mod outbound;
mod request;

pub use call::Call;
pub use endpoint::Endpoint;
pub use fault::HttpFault;
pub use outbound::{Outbound, OutboundConfig};
pub use request::{Answer, Cap, ProviderClient, Request};
