//! The providers, one a file.

use authcore::account::ProviderId;

use crate::error::ConfigError;

mod apple;
mod discord;
mod eos;
mod epic;
mod facebook;
mod facebook_limited;
mod facebookinstantgame;
mod gamecenter;
mod google;
mod google_play_games;
mod kakao;
mod line;
mod naver;
mod nintendo;
mod oidc;
mod payco;
mod playstation;
mod steam;
mod twitter;
mod webhook;
mod weibo;
mod xbox;

pub use apple::{Apple, AppleConfig, AppleEvent, AppleNotice};
pub use discord::{Discord, DiscordConfig};
pub use eos::{Eos, EosConfig};
pub use epic::{Epic, EpicConfig};
pub use facebook::{Facebook, FacebookApp, FacebookConfig};
pub use facebook_limited::{FacebookLimited, FacebookLimitedConfig};
pub use facebookinstantgame::{FacebookInstantGame, FacebookInstantGameConfig};
pub use gamecenter::{GameCenter, GameCenterConfig};
pub use google::{Google, GoogleClient, GoogleConfig};
pub use google_play_games::{GooglePlayGames, GooglePlayGamesConfig};
pub use kakao::{Kakao, KakaoConfig};
pub use line::{Line, LineConfig};
pub use naver::{Naver, NaverConfig};
pub use nintendo::{Nintendo, NintendoConfig};
pub use oidc::{Oidc, OidcConfig};
pub use payco::{Payco, PaycoConfig};
pub use playstation::{PlayStation, PlayStationConfig, PlayStationIdToken};
pub use steam::{Steam, SteamConfig};
pub use twitter::{Twitter, TwitterConfig};
pub use webhook::{Webhook, WebhookConfig};
pub use weibo::{Weibo, WeiboConfig};
pub use xbox::{Xbox, XboxConfig, XboxKey};

/// The name that a provider's identities carry.
fn provider_id(name: &str) -> Result<ProviderId, ConfigError> {
    ProviderId::new(name).map_err(|error| ConfigError::new("provider", error))
}
