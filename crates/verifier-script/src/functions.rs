//! What a script has to work with, besides its language.

use std::collections::BTreeMap;

use authcore::Secret;
use authcore_jose::from_strict_json;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage,
    BasicStringPackage, LogicPackage, MoreStringPackage, Package as _,
};
use rhai::{
    Blob, Dynamic, EvalAltResult, ImmutableString, Map, Module, NativeCallContext, Position, Shared,
};

use crate::engine::TEXT;
use crate::fault::{Malformed, Misuse, raise};
use crate::outside::{Asks, HttpAsk, Method};
use crate::value::{Secrets, to_dynamic, to_json};

type Result<T> = std::result::Result<T, Box<EvalAltResult>>;

/// The functions of one script: those of the language, and ours before them.
pub(crate) struct Library([Shared<Module>; 2]);

impl Library {
    pub(crate) fn new(secrets: BTreeMap<String, Secret>) -> Self {
        let mut language = Module::new();
        ArithmeticPackage::init(&mut language);
        LogicPackage::init(&mut language);
        BasicMathPackage::init(&mut language);
        BasicStringPackage::init(&mut language);
        MoreStringPackage::init(&mut language);
        BasicIteratorPackage::init(&mut language);
        BasicArrayPackage::init(&mut language);
        BasicMapPackage::init(&mut language);
        let mut ours = Module::new();
        text(&mut ours);
        cryptography(&mut ours, secrets);
        outside(&mut ours);
        Self([language.into(), ours.into()])
    }

    /// In the order in which they are registered; the last one counts where two have the same function.
    pub(crate) const fn modules(&self) -> &[Shared<Module>; 2] {
        &self.0
    }
}

fn text(module: &mut Module) {
    module.set_native_fn("parse_json", |text: ImmutableString| -> Result<Dynamic> {
        let value = from_strict_json(text.as_bytes()).ok();
        value.and_then(to_dynamic).ok_or_else(|| raise(Malformed))
    });
    module.set_native_fn("to_json", |value: &mut Map| -> Result<String> {
        Ok(json(&value.clone().into(), Secrets::Refuse)?.to_string())
    });
    module.set_native_fn("hex", |value: Dynamic| -> Result<String> {
        let digits = bytes(&value)?.into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
        Ok(digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect())
    });
    module.set_native_fn("from_hex", |text: ImmutableString| from_bytes(from_hex(&text)));
    for (name, from, alphabet) in
        [("base64", "from_base64", STANDARD), ("base64url", "from_base64url", URL_SAFE_NO_PAD)]
    {
        let decoder = alphabet.clone();
        module.set_native_fn(name, move |value: Dynamic| -> Result<String> {
            Ok(alphabet.encode(bytes(&value)?))
        });
        module.set_native_fn(from, move |text: ImmutableString| {
            from_bytes(decoder.decode(text.as_bytes()).ok())
        });
    }
    // The language's own make gigabytes of two texts, and look at the size afterwards.
    module.set_native_fn(
        "replace",
        |text: &mut ImmutableString, find: ImmutableString, with: ImmutableString| {
            replace(text, &find, &with)
        },
    );
    module.set_native_fn(
        "replace",
        |text: &mut ImmutableString, find: char, with: ImmutableString| {
            replace(text, find.encode_utf8(&mut [0; 4]), &with)
        },
    );
}

fn cryptography(module: &mut Module, secrets: BTreeMap<String, Secret>) {
    module.set_native_fn("secret", move |name: ImmutableString| -> Result<Secret> {
        let secret = secrets.get(name.as_str()).cloned();
        secret.ok_or_else(|| raise(Misuse("the configuration has no such secret")))
    });
    module.set_native_fn("sha256", |value: Dynamic| -> Result<Blob> {
        Ok(digest::digest(&digest::SHA256, &bytes(&value)?).as_ref().to_vec())
    });
    module.set_native_fn("hmac_sha256", |key: Dynamic, value: Dynamic| -> Result<Blob> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes_or_secret(&key)?);
        Ok(hmac::sign(&key, &bytes(&value)?).as_ref().to_vec())
    });
    module.set_native_fn("same", |one: Dynamic, other: Dynamic| -> Result<bool> {
        let (one, other) = (bytes_or_secret(&one)?, bytes_or_secret(&other)?);
        Ok(verify_slices_are_equal(&one, &other).is_ok())
    });
}

fn outside(module: &mut Module) {
    for (name, method) in [("get", Method::Get), ("post", Method::Post)] {
        module.set_native_fn(
            name,
            move |context: NativeCallContext, service: ImmutableString, path: Dynamic| {
                ask(&context, method, &service, &path, &Map::new())
            },
        );
        module.set_native_fn(
            name,
            move |context: NativeCallContext,
                  service: ImmutableString,
                  path: Dynamic,
                  options: Map| { ask(&context, method, &service, &path, &options) },
        );
    }
    module.set_native_fn(
        "verify_token",
        |context: NativeCallContext, issuer: ImmutableString, token: ImmutableString| {
            asks(&context)?.token(&issuer, &token)
        },
    );
}

/// Asks a service, and makes a map of its answer.
fn ask(
    context: &NativeCallContext<'_>,
    method: Method,
    service: &str,
    path: &Dynamic,
    options: &Map,
) -> Result<Map> {
    let mut request = HttpAsk::new(method, service, segments(path)?);
    for (option, value) in options {
        match option.as_str() {
            "query" => request.query = pairs(value)?,
            "bearer" => request.bearer = Some(plain(value)?),
            "form" if method == Method::Post => request.form = Some(pairs(value)?),
            "json" if method == Method::Post => {
                request.json = Some(json(value, Secrets::Reveal)?.to_string().into());
            }
            _ => return Err(raise(Misuse("an option of a request is not known"))),
        }
    }
    let answer = asks(context)?.http(request)?;
    Ok(Map::from([
        ("status".into(), i64::from(answer.status).into()),
        ("text".into(), answer.text.into()),
        ("json".into(), answer.json),
    ]))
}

fn asks(context: &NativeCallContext<'_>) -> Result<Asks> {
    let asks = context.tag().and_then(|tag| tag.clone().try_cast());
    asks.ok_or_else(|| raise(Misuse("there is nobody to ask")))
}

/// A path is text, or a list of segments, into which text of a player may go.
fn segments(path: &Dynamic) -> Result<Vec<String>> {
    if let Ok(segments) = path.as_array_ref() {
        let plain = |segment| plain(segment).map(|segment| segment.reveal().to_owned());
        return segments.iter().map(plain).collect();
    }
    let path = plain(path)?;
    let path = path.reveal();
    let below = path.strip_prefix('/').unwrap_or(path);
    Ok(if below.is_empty() { Vec::new() } else { below.split('/').map(Into::into).collect() })
}

fn pairs(value: &Dynamic) -> Result<Vec<(String, Secret)>> {
    let pairs = value.as_map_ref().map_err(|_| raise(Misuse("an option is to be a map")))?;
    pairs.iter().map(|(name, value)| Ok((name.to_string(), plain(value)?))).collect()
}

/// Text, a whole number, or a secret.
fn plain(value: &Dynamic) -> Result<Secret> {
    if let Some(secret) = value.read_lock::<Secret>() {
        return Ok(secret.clone());
    }
    if let Ok(number) = value.as_int() {
        return Ok(number.to_string().into());
    }
    let text = value.read_lock::<ImmutableString>();
    text.map(|text| text.as_str().into())
        .ok_or_else(|| raise(Misuse("a part of a request is neither text nor a whole number")))
}

fn json(value: &Dynamic, secrets: Secrets) -> Result<serde_json::Value> {
    to_json(value, secrets).ok_or_else(|| raise(Misuse("a value has no JSON")))
}

fn bytes(value: &Dynamic) -> Result<Vec<u8>> {
    if let Ok(bytes) = value.as_blob_ref() {
        return Ok(bytes.clone());
    }
    let text = value.read_lock::<ImmutableString>();
    text.map(|text| text.as_bytes().to_vec())
        .ok_or_else(|| raise(Misuse("a value is neither text nor bytes")))
}

fn bytes_or_secret(value: &Dynamic) -> Result<Vec<u8>> {
    match value.read_lock::<Secret>() {
        Some(secret) => Ok(secret.reveal().as_bytes().to_vec()),
        None => bytes(value),
    }
}

/// Text that was encoded.
fn from_bytes(bytes: Option<Vec<u8>>) -> Result<String> {
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| raise(Malformed))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits: Vec<u8> = text.as_bytes().iter().map(digit).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

fn replace(text: &mut ImmutableString, find: &str, with: &str) -> Result<()> {
    let found = text.matches(find).count();
    let longer = with.len().saturating_sub(find.len()).saturating_mul(found);
    if longer.saturating_add(text.len()) > TEXT {
        let what = "Length of string".into();
        return Err(EvalAltResult::ErrorDataTooLarge(what, Position::NONE).into());
    }
    *text = text.replace(find, with).into();
    Ok(())
}
