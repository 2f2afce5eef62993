//! Names of things: messages and conversations are UUIDs that the case system may choose, blobs are ours.

use std::fmt::{self, Write as _};

/// A text that is no UUID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a UUID")]
pub struct NotAUuid(pub String);

macro_rules! uuid_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes a UUID as it was written.
            ///
            /// # Errors
            /// It is none.
            pub fn parse(text: &str) -> Result<Self, NotAUuid> {
                if is_uuid(text) { Ok(Self(text.to_owned())) } else { Err(NotAUuid(text.to_owned())) }
            }

            /// A new one of these random bytes (version 4).
            pub fn random(bytes: [u8; 16]) -> Self {
                Self(version_4(bytes))
            }

            /// As it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

uuid_name! {
    /// `documentIdentification.instanceIdentifier`.
    MessageId
}
uuid_name! {
    /// `instanceIdentifier` of the scope `ConversationId`.
    ConversationId
}
uuid_name! {
    /// Where the bytes of a file lie.
    BlobId
}

fn is_uuid(text: &str) -> bool {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    text.len() == 36
        && text.bytes().enumerate().all(
            |(at, byte)| {
                if DASHES.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() }
            },
        )
}

fn version_4(mut bytes: [u8; 16]) -> String {
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    let mut digits = String::with_capacity(32);
    for byte in bytes {
        // Writing into a string does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_kept_as_it_was_written_and_nothing_else_is_one() {
        let written = "E99E5CD1-74de-4cce-b902-cecdf97dc4f3";
        assert_eq!(MessageId::parse(written).unwrap().as_str(), written);
        for wrong in
            ["", "e99e5cd174de4cceb902cecdf97dc4f3", "e99e5cd1-74de-4cce-b902-cecdf97dc4fx", "../../etc/passwd"]
        {
            assert!(MessageId::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_random_one_is_a_uuid_of_version_4() {
        assert_eq!(BlobId::random([0xff; 16]).as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
