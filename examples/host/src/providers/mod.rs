//! The tables `[providers.…]` of the configuration file, one a file, and `[outbound]`, the way to all of them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use authcore::MasterKey;
use authcore::verifier::Verifier;
use authcore_verifiers::{ConfigError, Nonces, Outbound as Way, OutboundConfig};
use serde::Deserialize;
use toml::Spanned;

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
mod script;
mod steam;
mod twitter;
mod webhook;
mod weibo;
mod xbox;

/// Names the tables. A provider of which there may be several is a map by their names.
macro_rules! tables {
    ($($name:ident: $table:ty,)*) => {
        #[derive(Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct Providers {
            $($name: $table,)*
        }

        impl Providers {
            fn add_all(&self, verifiers: &mut Verifiers<'_>) -> Result<(), Wrong> {
                $(self.$name.add(stringify!($name), verifiers)?;)*
                Ok(())
            }
        }
    };
}

tables! {
    apple: Option<Spanned<apple::Apple>>,
    facebook: Option<Spanned<facebook::Facebook>>,
    facebook_limited: Option<Spanned<facebook_limited::FacebookLimited>>,
    facebookinstantgame: Option<Spanned<facebookinstantgame::FacebookInstantGame>>,
    gamecenter: Option<Spanned<gamecenter::GameCenter>>,
    google: Option<Spanned<google::Google>>,
    google_play_games: Option<Spanned<google_play_games::GooglePlayGames>>,
    line: Option<Spanned<line::Line>>,
    kakao: Option<Spanned<kakao::Kakao>>,
    naver: Option<Spanned<naver::Naver>>,
    epic: Option<Spanned<epic::Epic>>,
    eos: Option<Spanned<eos::Eos>>,
    twitter: Option<Spanned<twitter::Twitter>>,
    discord: Option<Spanned<discord::Discord>>,
    payco: Option<Spanned<payco::Payco>>,
    weibo: Option<Spanned<weibo::Weibo>>,
    nintendo: Option<Spanned<nintendo::Nintendo>>,
    playstation: Option<Spanned<playstation::PlayStation>>,
    xbox: Option<Spanned<xbox::Xbox>>,
    oidc: BTreeMap<String, Spanned<oidc::Oidc>>,
    steam: Option<Spanned<steam::Steam>>,
    webhook: BTreeMap<String, Spanned<webhook::Webhook>>,
    script: BTreeMap<String, Spanned<script::Script>>,
}

/// One provider's table.
trait Table {
    type Verifier: Verifier;

    /// Builds the verifier. `name` is that of the table; for a provider of which there may be several, the one it was
    /// given.
    fn verifier(&self, name: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError>;
}

/// What all of them build on.
struct Shared {
    way: Way,
    nonces: Nonces,
}

/// How the outside is reached.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Outbound {
    /// Files of certificates that are trusted besides the system's.
    extra_roots: Vec<PathBuf>,
    /// Hosts that are found at a given address.
    resolve: HashMap<String, SocketAddr>,
    /// Whether other hosts may be on one's own network.
    allow_private_networks: bool,
}

impl Outbound {
    fn open(&self) -> Result<Way, String> {
        let mut config = OutboundConfig::default();
        for path in &self.extra_roots {
            let pem = std::fs::read_to_string(path)
                .map_err(|error| format!("outbound.extra_roots: {}: {error}", path.display()))?;
            config.extra_roots.push(pem);
        }
        config.resolve.clone_from(&self.resolve);
        config.allow_private_networks = self.allow_private_networks;
        Way::new(&config).map_err(|error| format!("outbound.{error}"))
    }
}

/// Verifiers, ready for an engine, each under its provider's name.
pub(crate) struct Built {
    verifiers: Vec<(String, Add)>,
    nonces: Nonces,
}

type Builder = authcore::EngineBuilder<MasterKey, std::sync::Arc<dyn authcore::Clock>>;
type Add = Box<dyn FnOnce(Builder) -> Builder + Send + Sync>;

impl Built {
    /// Hands them over.
    pub(crate) fn add_to(&mut self, builder: Builder) -> Builder {
        let builder = builder.nonces(self.nonces.clone());
        self.verifiers.drain(..).fold(builder, |builder, (_, add)| add(builder))
    }
}

impl fmt::Display for Built {
    /// Their names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verifiers.as_slice() {
            [] => f.write_str("no providers"),
            [(first, _), rest @ ..] => {
                write!(f, "providers {first}")?;
                rest.iter().try_for_each(|(name, _)| write!(f, ", {name}"))
            }
        }
    }
}

struct Verifiers<'a> {
    shared: &'a Shared,
    built: Vec<(String, Add)>,
}

/// A table that no verifier can be built of.
struct Wrong {
    /// Where the table begins, in bytes.
    at: usize,
    what: String,
}

/// What may stand under a provider's name.
trait Entry {
    fn add(&self, name: &str, verifiers: &mut Verifiers<'_>) -> Result<(), Wrong>;
}

impl<T: Table> Entry for Option<Spanned<T>> {
    fn add(&self, name: &str, verifiers: &mut Verifiers<'_>) -> Result<(), Wrong> {
        let Some(table) = self else { return Ok(()) };
        add(table, &format!("providers.{name}"), name, verifiers)
    }
}

impl<T: Table> Entry for BTreeMap<String, Spanned<T>> {
    fn add(&self, kind: &str, verifiers: &mut Verifiers<'_>) -> Result<(), Wrong> {
        self.iter().try_for_each(|(name, table)| {
            add(table, &format!("providers.{kind}.{name}"), name, verifiers)
        })
    }
}

fn add<T: Table>(
    table: &Spanned<T>,
    path: &str,
    name: &str,
    verifiers: &mut Verifiers<'_>,
) -> Result<(), Wrong> {
    let wrong = |what| Wrong { at: table.span().start, what };
    let verifier = table
        .get_ref()
        .verifier(name, verifiers.shared)
        .map_err(|error| wrong(format!("{path}.{error}")))?;
    let provider = verifier.provider().as_str().to_owned();
    if verifiers.built.iter().any(|(taken, _)| *taken == provider) {
        return Err(wrong(format!("{path}: there is a provider {provider:?} already")));
    }
    verifiers.built.push((provider, Box::new(|builder| builder.verifier(verifier))));
    Ok(())
}

impl Providers {
    /// Builds their verifiers. An error names the table and the field, and where the table is in `text`.
    pub(crate) fn build(
        &self,
        text: &str,
        outbound: &Outbound,
        signing_key: &MasterKey,
        game: &str,
    ) -> Result<Built, String> {
        let nonces = Nonces::derive(signing_key, game).map_err(|error| error.to_string())?;
        let shared = Shared { way: outbound.open()?, nonces };
        let mut verifiers = Verifiers { shared: &shared, built: Vec::new() };
        self.add_all(&mut verifiers).map_err(|wrong| {
            let line = text.get(..wrong.at).unwrap_or("").matches('\n').count() + 1;
            format!("line {line}: {}", wrong.what)
        })?;
        let verifiers = verifiers.built;
        Ok(Built { verifiers, nonces: shared.nonces })
    }
}

/// Whether a token must carry a nonce of ours (providers.md J12).
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Nonce {
    Off,
    IfPresent,
    Required,
}

impl Nonce {
    fn policy(self, shared: &Shared) -> authcore_verifiers::NoncePolicy {
        use authcore_verifiers::NoncePolicy;
        match self {
            Self::Off => NoncePolicy::Off,
            Self::IfPresent => NoncePolicy::IfPresent(shared.nonces.clone()),
            Self::Required => NoncePolicy::Required(shared.nonces.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::File;

    fn build(text: &str) -> Result<Built, String> {
        let file = File::parse(text)?;
        let key = MasterKey::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
        file.providers.build(&file.text, &file.outbound, &key, "chess")
    }

    fn fault(text: &str) -> String {
        build(text).err().unwrap_or_else(|| panic!("taken: {text}"))
    }

    /// The examples of the page, each with its heading's table.
    fn page() -> Vec<&'static str> {
        let page = include_str!("../../../../docs/providers.md");
        let blocks = page.split("```toml\n").skip(1);
        blocks.map(|block| block.split("```").next().unwrap()).collect()
    }

    #[test]
    fn every_example_of_the_page_is_taken() {
        // The files that one of them names.
        let (folder, key) = (tempfile::tempdir().unwrap(), authcore_fake_idp::Encryption::new());
        let files = [("xbox.pem", &key.certificate), ("xbox.key", &key.private_key)];
        let mut page: Vec<_> = page().into_iter().map(str::to_owned).collect();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            for example in &mut page {
                *example =
                    example.replace(&format!("/etc/authcore/{name}"), path.to_str().unwrap());
            }
        }
        for example in &page {
            let built = build(example);
            assert!(built.is_ok(), "{:?} {example}", built.err());
        }
        let all = page.concat();
        assert!(build(&all).unwrap().to_string().starts_with("providers "), "{all}");
    }

    #[test]
    fn each_provider_stands_on_the_page_with_every_key_that_it_has() {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/src/providers");
        let files = std::fs::read_dir(here).unwrap().map(|file| file.unwrap().path());
        let sources: String = files
            .filter(|path| !path.ends_with("mod.rs"))
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        let tables = page().concat();
        let keys = sources.lines().filter_map(|line| {
            let (key, _) = line.strip_prefix("    ")?.split_once(": ")?;
            key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_').then_some(key)
        });
        for key in keys {
            assert!(tables.contains(&format!("{key} = ")), "{key}");
        }
    }

    #[test]
    fn a_table_without_an_audience_is_refused_with_its_field_and_line() {
        for (text, told) in [
            ("\n[providers.google]\n", "line 2: missing field `audiences`"),
            (
                "\n\n[providers.google]\naudiences = []\n",
                "line 3: providers.google.audiences: it must name at least one",
            ),
            (
                "[providers.google]\naudiences = [\"a\"]\naudience = \"a\"\n",
                "line 3: unknown field `audience`",
            ),
            (
                "[providers.oidc.s]\nissuer = \"http://s.example\"\naudiences = [\"a\"]\n",
                "line 1: providers.oidc.s.issuer: it is not an https URL",
            ),
            (
                "[providers.oidc.s]\nissuer = \"https://s.example\"\naudiences = [\"a\"]\nalgorithms = [\"none\"]",
                "line 1: providers.oidc.s.algorithms: \"none\" is none of RS256",
            ),
            (
                "[providers.facebook]\napps = [{ id = \"1\", secret = \"s\" }]\n\
                 limited = { app_ids = [\"1\"], provider = \"facebook\" }\n",
                "line 1: providers.facebook.limited.provider: its players are those of facebook",
            ),
            ("[providers.gogle]\n", "line 1: unknown field `gogle`"),
            ("[outbound]\nextra_root = []\n", "line 2: unknown field `extra_root`"),
            (
                "[outbound]\nextra_roots = [\"/no/such/file\"]\n",
                "outbound.extra_roots: /no/such/file: ",
            ),
        ] {
            let found = fault(text);
            assert!(found.starts_with(told), "{found}");
        }
    }

    #[test]
    fn two_providers_have_two_names() {
        let text = "[providers.google]\naudiences = [\"a\"]\n\
            [providers.oidc.google]\nissuer = \"https://s.example\"\naudiences = [\"a\"]\n";
        assert_eq!(
            fault(text),
            "line 3: providers.oidc.google: there is a provider \"google\" already"
        );
    }
}
