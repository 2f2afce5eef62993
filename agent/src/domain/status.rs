//! What became of a message, as its sender and its receiver read it.

use jiff::Timestamp;

/// A receipt status. Each comes at most once to a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The conversation was created here.
    Opprettet,
    /// Handed to the channel.
    Sendt,
    /// The receiver's access point has it.
    Mottatt,
    /// The receiver's case system or mailbox has it.
    Levert,
    /// It was opened.
    Lest,
    /// It failed for good.
    Feil,
    /// The channel said something that has no name here.
    Annet,
    /// Incoming, stored, ready for peek.
    InnkommendeMottatt,
    /// Incoming, acknowledged by the case system.
    InnkommendeLevert,
    /// Its time was over.
    LevetidUtlopt,
}

impl Status {
    /// All.
    pub const ALL: [Self; 10] = [
        Self::Opprettet,
        Self::Sendt,
        Self::Mottatt,
        Self::Levert,
        Self::Lest,
        Self::Feil,
        Self::Annet,
        Self::InnkommendeMottatt,
        Self::InnkommendeLevert,
        Self::LevetidUtlopt,
    ];

    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Opprettet => "OPPRETTET",
            Self::Sendt => "SENDT",
            Self::Mottatt => "MOTTATT",
            Self::Levert => "LEVERT",
            Self::Lest => "LEST",
            Self::Feil => "FEIL",
            Self::Annet => "ANNET",
            Self::InnkommendeMottatt => "INNKOMMENDE_MOTTATT",
            Self::InnkommendeLevert => "INNKOMMENDE_LEVERT",
            Self::LevetidUtlopt => "LEVETID_UTLOPT",
        }
    }

    /// The status of this name; none for a strange word.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// How far a message has come with this one. A status may be overtaken by a later one and come after it: what tells most of
    /// a message is the last of the highest.
    pub fn rank(self) -> u8 {
        match self {
            Self::Opprettet => 0,
            Self::Sendt => 1,
            Self::Mottatt | Self::InnkommendeMottatt => 2,
            Self::LevetidUtlopt => 3,
            Self::Levert | Self::InnkommendeLevert | Self::Annet => 4,
            Self::Lest => 5,
            Self::Feil => 6,
        }
    }

    /// The one that tells how a message stands, of those that have come, in the order in which they came.
    pub fn furthest(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        all.into_iter().max_by_key(|status| status.rank())
    }

    /// Nothing more is waited for when this one has come.
    pub fn finishes(self) -> bool {
        matches!(self, Self::Levert | Self::Lest | Self::Feil | Self::LevetidUtlopt | Self::InnkommendeLevert)
    }

    /// The channel need not be asked any more when this one has come.
    pub fn ends_polling(self) -> bool {
        self.finishes() && self != Self::Levert
    }
}

/// A status that is to be noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStatus {
    /// Which.
    pub status: Status,
    /// When.
    pub at: Timestamp,
    /// For people.
    pub description: Option<String>,
    /// What the channel said, word for word.
    pub raw_receipt: Option<String>,
}

impl NewStatus {
    /// Without more words.
    pub fn plain(status: Status, at: Timestamp) -> Self {
        Self { status, at, description: None, raw_receipt: None }
    }

    /// With words for people.
    pub fn described(status: Status, at: Timestamp, description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..Self::plain(status, at) }
    }

    /// Its time is over.
    pub fn expired(at: Timestamp) -> Self {
        Self::described(Status::LevetidUtlopt, at, "Levetiden for meldingen er utgått. Må sendes på nytt")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Feil, Lest, Levert, LevetidUtlopt, Mottatt, Opprettet, Sendt};

    #[test]
    fn a_status_that_was_overtaken_does_not_hide_how_far_a_message_has_come() {
        for (came, furthest) in [
            (&[][..], None),
            (&[Opprettet, Sendt], Some(Sendt)),
            (&[Opprettet, Sendt, Levert, Mottatt], Some(Levert)),
            (&[Opprettet, Sendt, Levert, Lest, Mottatt], Some(Lest)),
            (&[Opprettet, Mottatt, Levert, Sendt], Some(Levert)),
            (&[Opprettet, Sendt, LevetidUtlopt, Mottatt], Some(LevetidUtlopt)),
            // It came after all.
            (&[Opprettet, Sendt, LevetidUtlopt, Levert], Some(Levert)),
            (&[Opprettet, Sendt, Feil, Mottatt], Some(Feil)),
        ] {
            assert_eq!(Status::furthest(came.iter().copied()), furthest, "{came:?}");
        }
    }
}
