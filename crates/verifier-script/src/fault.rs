use authcore::verifier::VerifyError;
use authcore_verifiers::Reason;
use rhai::{Dynamic, EvalAltResult, Position};

/// Why a script came to no answer, and where in it. It tells names that stand in the script and kinds of values, and nothing
/// of the values, because a player's token is among them (security 99).
#[derive(Debug, thiserror::Error)]
#[error("the script failed: {what} ({at})")]
pub(crate) struct ScriptFault {
    what: String,
    at: Position,
}

/// What a function of ours throws when the text that it was given is not what it reads. That text is a player's as a rule, so
/// where the script does not catch it, the credential is refused.
#[derive(Clone)]
pub(crate) struct Malformed;

/// What a function of ours throws when a script calls it as it must not.
#[derive(Clone, Copy)]
pub(crate) struct Misuse(pub(crate) &'static str);

/// What ends a run that does too much.
#[derive(Clone)]
pub(crate) struct TooManyOperations;

/// Throws something that [`error`] reads.
#[expect(clippy::unnecessary_box_returns, reason = "the language's errors are boxed")]
pub(crate) fn raise(what: impl Clone + Send + Sync + 'static) -> Box<EvalAltResult> {
    EvalAltResult::ErrorRuntime(Dynamic::from(what), Position::NONE).into()
}

/// What becomes of a run that ended with an error.
pub(crate) fn error(error: &EvalAltResult) -> VerifyError {
    let error = error.unwrap_inner();
    let thrown = match error {
        EvalAltResult::ErrorRuntime(thrown, _) | EvalAltResult::ErrorTerminated(thrown, _) => {
            thrown
        }
        _ => &Dynamic::UNIT,
    };
    if thrown.is::<Malformed>() {
        return Reason::Malformed.into();
    }
    let what = match (error, thrown.clone().try_cast::<Misuse>()) {
        (_, Some(Misuse(what))) => what.into(),
        _ if thrown.is::<TooManyOperations>() => "it does too much".into(),
        _ => describe(error),
    };
    VerifyError::Faulty(Box::new(ScriptFault { what, at: error.position() }))
}

fn describe(error: &EvalAltResult) -> String {
    match error {
        EvalAltResult::ErrorFunctionNotFound(signature, _) => format!("no function {signature}"),
        EvalAltResult::ErrorVariableNotFound(name, _) => format!("no variable {name}"),
        EvalAltResult::ErrorMismatchDataType(..) => "a value is of another type".into(),
        EvalAltResult::ErrorIndexingType(..) => "what is indexed has no parts".into(),
        EvalAltResult::ErrorArrayBounds(..) | EvalAltResult::ErrorStringBounds(..) => {
            "an index is out of bounds".into()
        }
        EvalAltResult::ErrorDotExpr(..) | EvalAltResult::ErrorPropertyNotFound(..) => {
            "no such property".into()
        }
        EvalAltResult::ErrorFor(..) => "what it loops over has no items".into(),
        EvalAltResult::ErrorArithmetic(..) => "a calculation or a conversion fails".into(),
        EvalAltResult::ErrorTooManyOperations(..) => "it does too much".into(),
        EvalAltResult::ErrorTooManyVariables(..) => "it has too many variables".into(),
        EvalAltResult::ErrorStackOverflow(..) => "its calls are too deep".into(),
        EvalAltResult::ErrorDataTooLarge(..) => "a value is too large".into(),
        EvalAltResult::ErrorRuntime(..) => "it throws".into(),
        _ => "something else".into(),
    }
}
