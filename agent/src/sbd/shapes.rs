//! The shapes of the header and of each business message: members, what they may be, which must be there.
//!
//! What must be there only once the service is known is asked for in `flow::accept`.

use super::shape::{Member, Shape};
use crate::domain::Kind;

const fn may(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, is_needed: false, default: None }
}

const fn must(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, is_needed: true, default: None }
}

const fn or(name: &'static str, shape: Shape, default: &'static str) -> Member {
    Member { name, shape, is_needed: false, default: Some(default) }
}

const fn text(name: &'static str) -> Member {
    may(name, Shape::Text)
}

const PRIMARY: Member = text("hoveddokument");
const TEXT: Shape = Shape::Text;

/// The header. Its own rules stand in `rules`.
pub(super) const HEADER: Shape = Shape::Object(
    "no.difi.meldingsutveksling.domain.sbdh.StandardBusinessDocumentHeader",
    &[
        text("headerVersion"),
        may("sender", Shape::List(&PARTNER)),
        may("receiver", Shape::List(&PARTNER)),
        may("documentIdentification", DOCUMENT),
        may("manifest", MANIFEST),
        may("businessScope", Shape::Object("", &[may("scope", Shape::List(&SCOPE))])),
    ],
);

const PARTNER: Shape = Shape::Object(
    "",
    &[
        may("identifier", Shape::Object("", &[text("value"), text("authority")])),
        may("contactInformation", Shape::List(&CONTACT)),
    ],
);

const CONTACT: Shape = Shape::Object(
    "",
    &[
        must("contact", TEXT),
        text("emailAddress"),
        text("faxNumber"),
        text("telephoneNumber"),
        text("contactTypeIdentifier"),
    ],
);

const DOCUMENT: Shape = Shape::Object(
    "",
    &[
        text("standard"),
        text("typeVersion"),
        text("instanceIdentifier"),
        text("type"),
        may("multipleType", Shape::Flag),
        may("creationDateAndTime", Shape::Moment),
    ],
);

const MANIFEST: Shape = Shape::Object(
    "",
    &[
        may("numberOfItems", Shape::Whole),
        may(
            "manifestItem",
            Shape::List(&Shape::Object(
                "",
                &[
                    text("mimeTypeQualifierCode"),
                    text("uniformResourceIdentifier"),
                    text("description"),
                    text("languageCode"),
                ],
            )),
        ),
    ],
);

const SCOPE: Shape = Shape::Object(
    "",
    &[
        text("type"),
        text("instanceIdentifier"),
        text("identifier"),
        may(
            "scopeInformation",
            Shape::List(&Shape::Object(
                "",
                &[
                    may("requestingDocumentCreationDateTime", Shape::Moment),
                    text("requestingDocumentInstanceIdentifier"),
                    may("expectedResponseDateTime", Shape::Moment),
                ],
            )),
        ),
    ],
);

/// The business message of a type.
pub(super) const fn of(kind: Kind) -> Shape {
    match kind {
        Kind::Arkivmelding => ARKIVMELDING,
        Kind::ArkivmeldingKvittering => ARKIVMELDING_KVITTERING,
        Kind::Avtalt => AVTALT,
        Kind::Status => STATUS,
        Kind::Digital => DIGITAL,
        Kind::DigitalDpv => DIGITAL_DPV,
        Kind::Print => PRINT,
        Kind::Innsynskrav => INNSYNSKRAV,
        Kind::Publisering => PUBLISERING,
        Kind::EinnsynKvittering => EINNSYN_KVITTERING,
        Kind::Dialogmelding => DIALOGMELDING,
        Kind::DialogmeldingKvittering => DIALOGMELDING_KVITTERING,
    }
}

const NEXTMOVE: &str = "no.difi.meldingsutveksling.nextmove.BusinessMessage";
const MESSAGE: Shape = Shape::Object("", &[text("code"), text("text")]);

const DPV: Shape = Shape::Object(
    "no.difi.meldingsutveksling.nextmove.DpvSettings",
    &[
        may("varselType", Shape::OneOf(&["VarselDPVUtenRevarsel", "VarselDPVMedRevarsel"])),
        may("varselTransportType", Shape::OneOf(&["Epost", "SMS", "EpostOgSMS"])),
        text("varselTekst"),
        text("taushetsbelagtVarselTekst"),
        may("dagerTilSvarfrist", Shape::Whole),
    ],
);

const ARKIVMELDING: Shape = Shape::Object(
    NEXTMOVE,
    &[
        PRIMARY,
        may("sikkerhetsnivaa", Shape::Whole),
        may("dpv", DPV),
        may("dpf", Shape::Object("", &[text("forsendelseType")])),
    ],
);

const ARKIVMELDING_KVITTERING: Shape = Shape::Object(
    NEXTMOVE,
    &[PRIMARY, text("receiptType"), text("relatedToMessageId"), may("messages", Shape::List(&MESSAGE))],
);

const DIGITAL: Shape = Shape::Object(
    NEXTMOVE,
    &[
        PRIMARY,
        must("sikkerhetsnivaa", Shape::Whole),
        text("avsenderId"),
        text("fakturaReferanse"),
        must("tittel", TEXT),
        must("spraak", Shape::Sized(2, 2)),
        must(
            "digitalPostInfo",
            Shape::Object(
                "no.difi.meldingsutveksling.nextmove.DigitalPostInfo",
                &[must("virkningsdato", Shape::Day), must("aapningskvittering", Shape::Flag)],
            ),
        ),
        may("varsler", Shape::Object("", &[text("epostTekst"), text("smsTekst")])),
        or("metadataFiler", Shape::Map(&TEXT), "{}"),
    ],
);

const ADDRESS: Shape = Shape::Object(
    "no.difi.meldingsutveksling.nextmove.PostAddress",
    &[
        text("navn"),
        text("adresselinje1"),
        text("adresselinje2"),
        text("adresselinje3"),
        text("adresselinje4"),
        text("postnummer"),
        text("poststed"),
        text("land"),
    ],
);

const PRINT: Shape = Shape::Object(
    NEXTMOVE,
    &[
        PRIMARY,
        text("avsenderId"),
        text("fakturaReferanse"),
        may("mottaker", ADDRESS),
        or("utskriftsfarge", Shape::OneOf(&["SORT_HVIT", "FARGE"]), "\"SORT_HVIT\""),
        or("posttype", Shape::OneOf(&["A_PRIORITERT", "B_OEKONOMI"]), "\"B_OEKONOMI\""),
        may(
            "retur",
            Shape::Object(
                "no.difi.meldingsutveksling.nextmove.MailReturn",
                &[
                    may("mottaker", ADDRESS),
                    or(
                        "returhaandtering",
                        Shape::OneOf(&["DIREKTE_RETUR", "MAKULERING_MED_MELDING"]),
                        "\"DIREKTE_RETUR\"",
                    ),
                ],
            ),
        ),
        or("printinstruksjoner", Shape::Map(&TEXT), "{}"),
    ],
);

const DIALOGMELDING: Shape = Shape::Object(
    NEXTMOVE,
    &[
        PRIMARY,
        must(
            "pasient",
            Shape::Object(
                "no.difi.meldingsutveksling.nextmove.Person",
                &[must("fnr", Shape::Person), must("fornavn", TEXT), text("mellomnavn"), must("etternavn", TEXT)],
            ),
        ),
        may("metadataFiler", Shape::Map(&Shape::Object("", &[may("issueDate", Shape::Moment), text("description")]))),
    ],
);

const AVTALT: Shape = Shape::Object(NEXTMOVE, &[PRIMARY, text("identifier"), may("content", Shape::Any)]);

const STATUS: Shape = Shape::Object(NEXTMOVE, &[PRIMARY, text("status")]);

const DIGITAL_DPV: Shape = Shape::Object(
    NEXTMOVE,
    &[PRIMARY, must("tittel", TEXT), must("sammendrag", TEXT), must("innhold", TEXT), may("dpv", DPV)],
);

const INNSYNSKRAV: Shape = Shape::Object(NEXTMOVE, &[PRIMARY, must("orgnr", TEXT), must("epost", TEXT)]);

const PUBLISERING: Shape = Shape::Object(NEXTMOVE, &[PRIMARY, must("orgnr", TEXT)]);

const EINNSYN_KVITTERING: Shape = Shape::Object(
    NEXTMOVE,
    &[
        PRIMARY,
        must("dokumentId", TEXT),
        must("status", TEXT),
        must("referanseType", Shape::OneOf(&["innsynskrav", "publisering"])),
    ],
);

const DIALOGMELDING_KVITTERING: Shape = Shape::Object(
    NEXTMOVE,
    &[
        text("relatedToMessageId"),
        may("status", Shape::OneOf(&["OK", "REJECTED", "OK_ERROR_IN_MESSAGE_PART"])),
        may("messages", Shape::List(&MESSAGE)),
        text("rawReceipt"),
    ],
);
