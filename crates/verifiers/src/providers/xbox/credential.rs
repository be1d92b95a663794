use crate::error::Reason;

/// What a client sends in a header: `XBL3.0 x={user hash};{token}`.
#[derive(Clone, Copy)]
pub(super) struct Presented<'a> {
    pub(super) user_hash: &'a str,
    pub(super) token: &'a str,
}

impl<'a> Presented<'a> {
    /// Reads it. The hashes `*` and `-` stand for anybody and for nobody, and name no player.
    pub(super) fn read(text: &'a str) -> Result<Self, Reason> {
        let rest = text.strip_prefix("XBL3.0 x=").ok_or(Reason::Malformed)?;
        let (user_hash, token) = rest.split_once(';').ok_or(Reason::Malformed)?;
        if matches!(user_hash, "" | "*" | "-") {
            return Err(Reason::SubjectMissing);
        }
        let fits =
            user_hash.len() <= 64 && user_hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if fits { Ok(Self { user_hash, token }) } else { Err(Reason::Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_one_player_and_a_token() {
        let read = |text| Presented::read(text).map(|it| (it.user_hash, it.token));
        assert_eq!(read("XBL3.0 x=1234;a.b.c.d.e"), Ok(("1234", "a.b.c.d.e")));
        for nobody in ["XBL3.0 x=*;t", "XBL3.0 x=-;t", "XBL3.0 x=;t"] {
            assert_eq!(read(nobody), Err(Reason::SubjectMissing));
        }
        let long = format!("XBL3.0 x={};t", "1".repeat(65));
        for bad in
            ["", "t", "XBL3.0 x=1234", "XBL2.0 x=1;t", "xbl3.0 x=1;t", "XBL3.0 x=1 2;t", &long]
        {
            assert_eq!(read(bad), Err(Reason::Malformed), "{bad}");
        }
    }
}
