/// The account that a login expects, and whose identity it is. Whether the expected account is alive makes no
/// difference: who has its identity is told to switch, who has not is told that it is gone (braincloud 4.1, rows 3 and 4,
/// 7 and 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// None.
    Nobody,
    /// The one that the identity belongs to.
    Owner,
    /// Another one, alive or not.
    Other,
}

/// What becomes of a login whose credential is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Into the account that has the identity.
    Enter,
    /// Into a new one.
    Create,
    /// Nowhere: there is no such account, and none is to be made (40208).
    AccountNotFound,
    /// Nowhere: an account was expected, and nobody has the identity (40206).
    IdentityUnknown,
    /// Nowhere: the identity is another account's than the expected one (40207).
    OtherAccount,
    /// Nowhere: the account must be named (40209).
    AccountRequired,
}

/// Decides by braincloud 4.1 and 4.2. `must_expect`: a login by device id, under a policy by which that must name the
/// account.
pub(super) const fn decide(
    identity_exists: bool,
    expected: Expected,
    create: bool,
    must_expect: bool,
) -> Decision {
    match (identity_exists, expected) {
        (false, Expected::Nobody) if create => Decision::Create,
        (false, Expected::Nobody) => Decision::AccountNotFound,
        (false, Expected::Owner | Expected::Other) => Decision::IdentityUnknown,
        (true, Expected::Nobody) if must_expect => Decision::AccountRequired,
        (true, Expected::Nobody | Expected::Owner) => Decision::Enter,
        (true, Expected::Other) => Decision::OtherAccount,
    }
}

#[cfg(test)]
mod tests {
    use super::Decision::{
        AccountNotFound, AccountRequired, Create, Enter, IdentityUnknown, OtherAccount,
    };
    use super::Expected::{Nobody, Other, Owner};
    use super::decide;

    const EITHER: [bool; 2] = [false, true];

    #[test]
    fn braincloud_4_1_row_1_no_identity_nobody_expected_no_creation() {
        assert_eq!(decide(false, Nobody, false, false), AccountNotFound);
    }

    #[test]
    fn braincloud_4_1_row_2_no_identity_nobody_expected_creation() {
        assert_eq!(decide(false, Nobody, true, false), Create);
    }

    #[test]
    fn braincloud_4_1_row_3_no_identity_an_account_expected_no_creation() {
        assert_eq!(decide(false, Other, false, false), IdentityUnknown);
    }

    #[test]
    fn braincloud_4_1_row_4_no_identity_an_account_expected_creation() {
        assert_eq!(decide(false, Other, true, false), IdentityUnknown);
    }

    #[test]
    fn braincloud_4_1_row_5_an_identity_nobody_expected() {
        assert_eq!(EITHER.map(|create| decide(true, Nobody, create, false)), [Enter; 2]);
    }

    #[test]
    fn braincloud_4_1_row_6_an_identity_of_the_expected_account() {
        assert_eq!(EITHER.map(|create| decide(true, Owner, create, false)), [Enter; 2]);
    }

    #[test]
    fn braincloud_4_1_row_7_and_row_8_an_identity_of_another_account_than_the_expected_one() {
        assert_eq!(EITHER.map(|create| decide(true, Other, create, false)), [OtherAccount; 2]);
    }

    #[test]
    fn braincloud_4_2_row_a1_no_device_nobody_expected_no_creation() {
        assert_eq!(decide(false, Nobody, false, true), AccountNotFound);
    }

    #[test]
    fn braincloud_4_2_row_a2_no_device_nobody_expected_creation() {
        assert_eq!(decide(false, Nobody, true, true), Create);
    }

    #[test]
    fn braincloud_4_2_row_a3_no_device_an_account_expected() {
        assert_eq!(EITHER.map(|create| decide(false, Other, create, true)), [IdentityUnknown; 2]);
    }

    #[test]
    fn braincloud_4_2_row_a4_a_device_nobody_expected() {
        assert_eq!(EITHER.map(|create| decide(true, Nobody, create, true)), [AccountRequired; 2]);
    }

    #[test]
    fn braincloud_4_2_row_a5_a_device_of_the_expected_account() {
        assert_eq!(EITHER.map(|create| decide(true, Owner, create, true)), [Enter; 2]);
    }

    #[test]
    fn braincloud_4_2_row_a6_a_device_of_another_account_than_the_expected_one() {
        assert_eq!(EITHER.map(|create| decide(true, Other, create, true)), [OtherAccount; 2]);
    }
}
