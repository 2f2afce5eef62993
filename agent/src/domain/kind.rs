//! The types of messages, with what each needs and where its words come from.

/// `documentIdentification.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `arkivmelding`
    Arkivmelding,
    /// `arkivmelding_kvittering`
    ArkivmeldingKvittering,
    /// `avtalt`
    Avtalt,
    /// `status`: between integration points, never seen by a case system.
    Status,
    /// `digital`
    Digital,
    /// `digital_dpv`
    DigitalDpv,
    /// `print`
    Print,
    /// `innsynskrav`
    Innsynskrav,
    /// `publisering`
    Publisering,
    /// `einnsyn_kvittering`
    EinnsynKvittering,
    /// `dialogmelding`
    Dialogmelding,
    /// `dialogmelding_kvittering`
    DialogmeldingKvittering,
}

impl Kind {
    /// All.
    pub const ALL: [Self; 12] = [
        Self::Arkivmelding,
        Self::ArkivmeldingKvittering,
        Self::Avtalt,
        Self::Status,
        Self::Digital,
        Self::DigitalDpv,
        Self::Print,
        Self::Innsynskrav,
        Self::Publisering,
        Self::EinnsynKvittering,
        Self::Dialogmelding,
        Self::DialogmeldingKvittering,
    ];

    /// Its canonical name; the member of the body has it, too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Arkivmelding => "arkivmelding",
            Self::ArkivmeldingKvittering => "arkivmelding_kvittering",
            Self::Avtalt => "avtalt",
            Self::Status => "status",
            Self::Digital => "digital",
            Self::DigitalDpv => "digital_dpv",
            Self::Print => "print",
            Self::Innsynskrav => "innsynskrav",
            Self::Publisering => "publisering",
            Self::EinnsynKvittering => "einnsyn_kvittering",
            Self::Dialogmelding => "dialogmelding",
            Self::DialogmeldingKvittering => "dialogmelding_kvittering",
        }
    }

    /// The type of this name. `type` is compared without regard to case, the body's member is not.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// The document type that a message of this type usually has.
    pub fn standard(self) -> &'static str {
        match self {
            Self::Arkivmelding => "urn:no:difi:arkivmelding:xsd::arkivmelding",
            Self::ArkivmeldingKvittering => "urn:no:difi:arkivmelding:xsd::arkivmelding_kvittering",
            Self::Avtalt => "urn:no:difi:avtalt:xsd::avtalt",
            Self::Status => "urn:no:difi:eformidling:xsd::status",
            Self::Digital => "urn:no:difi:digitalpost:xsd:digital::digital",
            Self::DigitalDpv => "urn:no:difi:digitalpost:xsd:digital::digital_dpv",
            Self::Print => "urn:no:difi:digitalpost:xsd:fysisk::print",
            Self::Innsynskrav => "urn:no:difi:einnsyn:xsd::innsynskrav",
            Self::Publisering => "urn:no:difi:einnsyn:xsd::publisering",
            Self::EinnsynKvittering => "urn:no:difi:einnsyn:xsd::einnsyn_kvittering",
            Self::Dialogmelding => "urn:no:difi:helse:xsd:schema::dialogmelding",
            Self::DialogmeldingKvittering => "urn:no:difi:helse:xsd::dialogmelding_kvittering",
        }
    }

    /// Receipts have no files, and pop has nothing to hand out.
    pub fn is_receipt(self) -> bool {
        matches!(self, Self::ArkivmeldingKvittering | Self::EinnsynKvittering | Self::DialogmeldingKvittering)
    }

    /// Whether it may not be sent without a file.
    pub fn needs_file(self) -> bool {
        !self.is_receipt() && !matches!(self, Self::Status | Self::Avtalt)
    }

    /// Whether a document type is one of this message type: it ends with `::` and the name.
    pub fn fits(self, standard: &str) -> bool {
        standard.rsplit_once("::").is_some_and(|(_, name)| name == self.name())
    }
}
