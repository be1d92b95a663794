//! The providers, one a file.

#[path = "apple.rs"]
mod apple;
#[path = "codes.rs"]
mod codes;
#[path = "discord.rs"]
mod discord;
#[path = "eos.rs"]
mod eos;
#[path = "epic.rs"]
mod epic;
#[path = "facebook.rs"]
mod facebook;
#[path = "facebook_limited.rs"]
mod facebook_limited;
#[path = "facebookinstantgame.rs"]
mod facebookinstantgame;
#[path = "gamecenter.rs"]
mod gamecenter;
#[path = "google.rs"]
mod google;
#[path = "google_play_games.rs"]
mod google_play_games;
#[path = "kakao.rs"]
mod kakao;
#[path = "line.rs"]
mod line;
#[path = "naver.rs"]
mod naver;
#[path = "nintendo.rs"]
mod nintendo;
#[path = "oidc.rs"]
mod oidc;
#[path = "payco.rs"]
mod payco;
#[path = "playstation.rs"]
mod playstation;
#[path = "steam.rs"]
mod steam;
#[path = "twitter.rs"]
mod twitter;
#[path = "webhook.rs"]
mod webhook;
#[path = "weibo.rs"]
mod weibo;
#[path = "xbox.rs"]
mod xbox;

pub use apple::FakeApple;
pub use discord::FakeDiscord;
pub use epic::FakeEpic;
pub use facebook::FakeFacebook;
pub use facebook_limited::FakeFacebookLimited;
pub use facebookinstantgame::FakeFacebookInstantGame;
pub use gamecenter::{FakeGameCenter, Leaf};
pub use google::FakeGoogle;
pub use google_play_games::FakeGooglePlayGames;
pub use kakao::FakeKakao;
pub use line::FakeLine;
pub use naver::FakeNaver;
pub use nintendo::FakeNintendo;
pub use oidc::FakeOidc;
pub use payco::FakePayco;
pub use playstation::FakePlayStation;
pub use steam::FakeSteam;
pub use twitter::FakeTwitter;
pub use webhook::{FakeWebhook, Service};
pub use weibo::FakeWeibo;
pub use xbox::{Encryption, FakeXbox, encrypted, encrypted_with};
