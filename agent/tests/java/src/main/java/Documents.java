import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import no.difi.meldingsutveksling.domain.Iso6523;
import no.difi.meldingsutveksling.domain.sbdh.Authority;
import no.difi.meldingsutveksling.domain.sbdh.BusinessScope;
import no.difi.meldingsutveksling.domain.sbdh.ContactInformation;
import no.difi.meldingsutveksling.domain.sbdh.CorrelationInformation;
import no.difi.meldingsutveksling.domain.sbdh.DocumentIdentification;
import no.difi.meldingsutveksling.domain.sbdh.Manifest;
import no.difi.meldingsutveksling.domain.sbdh.ManifestItem;
import no.difi.meldingsutveksling.domain.sbdh.Partner;
import no.difi.meldingsutveksling.domain.sbdh.PartnerIdentification;
import no.difi.meldingsutveksling.domain.sbdh.Scope;
import no.difi.meldingsutveksling.domain.sbdh.StandardBusinessDocument;
import no.difi.meldingsutveksling.domain.sbdh.StandardBusinessDocumentHeader;
import no.difi.meldingsutveksling.nextmove.ArkivmeldingKvitteringMessage;
import no.difi.meldingsutveksling.nextmove.ArkivmeldingMessage;
import no.difi.meldingsutveksling.nextmove.AvtaltMessage;
import no.difi.meldingsutveksling.nextmove.DigitalDpvMessage;
import no.difi.meldingsutveksling.nextmove.DigitalPostInfo;
import no.difi.meldingsutveksling.nextmove.DpfSettings;
import no.difi.meldingsutveksling.nextmove.DpiDigitalMessage;
import no.difi.meldingsutveksling.nextmove.DpiNotification;
import no.difi.meldingsutveksling.nextmove.DpiPrintMessage;
import no.difi.meldingsutveksling.nextmove.DpvSettings;
import no.difi.meldingsutveksling.nextmove.DpvVarselTransportType;
import no.difi.meldingsutveksling.nextmove.DpvVarselType;
import no.difi.meldingsutveksling.nextmove.EinnsynKvitteringMessage;
import no.difi.meldingsutveksling.nextmove.EinnsynType;
import no.difi.meldingsutveksling.nextmove.FiksIoMessage;
import no.difi.meldingsutveksling.nextmove.InnsynskravMessage;
import no.difi.meldingsutveksling.nextmove.KvitteringStatusMessage;
import no.difi.meldingsutveksling.nextmove.MailReturn;
import no.difi.meldingsutveksling.nextmove.PostAddress;
import no.difi.meldingsutveksling.nextmove.PostalCategory;
import no.difi.meldingsutveksling.nextmove.PrintColor;
import no.difi.meldingsutveksling.nextmove.PubliseringMessage;
import no.difi.meldingsutveksling.nextmove.ReturnHandling;
import no.difi.meldingsutveksling.nextmove.StatusMessage;
import no.difi.meldingsutveksling.receipt.ReceiptStatus;

/** A document of each message type that this version knows. */
final class Documents {
    private static final String OTHER = "b4567a25-672c-4c2e-9a0f-08c52c54254b";

    private Documents() {
    }

    /** Each with an id of its own. */
    static List<StandardBusinessDocument> all() {
        List<StandardBusinessDocument> all = documents();
        for (int number = 0; number < all.size(); number++) {
            all.get(number).getStandardBusinessDocumentHeader().getDocumentIdentification()
                .setInstanceIdentifier(String.format("e99e5cd1-74de-4cce-b902-%012d", number));
        }
        return all;
    }

    private static List<StandardBusinessDocument> documents() {
        return List.of(
            document("arkivmelding", "urn:no:difi:arkivmelding:xsd::arkivmelding", "urn:no:difi:profile:arkivmelding:administrasjon:ver1.0",
                new ArkivmeldingMessage().setSikkerhetsnivaa(3).setHoveddokument("brev æøå.pdf").setDpv(dpv())
                    .setDpf(new DpfSettings().setForsendelseType("plan"))),
            document("arkivmelding_kvittering", "urn:no:difi:arkivmelding:xsd::arkivmelding_kvittering", "urn:no:difi:profile:arkivmelding:response:ver1.0",
                new ArkivmeldingKvitteringMessage().setReceiptType("ERROR").setRelatedToMessageId(OTHER)
                    .addMessage(new KvitteringStatusMessage("Recno", "Kunne ikke \"journalføres\""))),
            document("avtalt", "urn:no:difi:avtalt:xsd::avtalt", "urn:no:difi:profile:avtalt:avtalt:ver1.0",
                new AvtaltMessage().setIdentifier("urn:avtalt:æøå").setContent(content()).setHoveddokument("a.xml")),
            document("status", "urn:no:difi:eformidling:xsd::status", "urn:no:difi:profile:einnsyn:response:ver1.0",
                new StatusMessage().setStatus(ReceiptStatus.LEVERT)),
            document("fiksio", "no.ks.fiks.gi.arkivintegrasjon.innsyn.v1", "no.ks.fiks.gi.arkivintegrasjon.innsyn.v1", new FiksIoMessage()),
            document("digital", "urn:no:difi:digitalpost:xsd:digital::digital", "urn:no:difi:profile:digitalpost:info:ver1.0",
                new DpiDigitalMessage().setAvsenderId("avsender").setFakturaReferanse("faktura").setTittel("Tittel").setSpraak("nb")
                    .setDigitalPostInfo(new DigitalPostInfo().setVirkningsdato(LocalDate.of(2026, 11, 21)).setAapningskvittering(true))
                    .setVarsler(new DpiNotification().setEpostTekst("e-post").setSmsTekst("sms"))
                    .setMetadataFiler(Map.of("a.pdf", "a.xml")).setSikkerhetsnivaa(4).setHoveddokument("a.pdf")),
            document("digital_dpv", "urn:no:difi:digitalpost:xsd:digital::digital_dpv", "urn:no:difi:profile:digitalpost:vedtak:ver1.0",
                new DigitalDpvMessage().setTittel("Tittel").setSammendrag("Sammendrag").setInnhold("Innhold\nog mer").setDpv(dpv()).setHoveddokument("a.pdf")),
            document("print", "urn:no:difi:digitalpost:xsd:fysisk::print", "urn:no:difi:profile:digitalpost:vedtak:ver1.0",
                new DpiPrintMessage().setAvsenderId("avsender").setFakturaReferanse("faktura").setMottaker(address("Ola Nordmann"))
                    .setUtskriftsfarge(PrintColor.FARGE).setPosttype(PostalCategory.A_PRIORITERT)
                    .setRetur(new MailReturn(address("Bjarne kommune"), ReturnHandling.MAKULERING_MED_MELDING))
                    .setPrintinstruksjoner(Map.of("duplex", "nei")).setHoveddokument("a.pdf")),
            document("innsynskrav", "urn:no:difi:einnsyn:xsd::innsynskrav", "urn:no:difi:profile:einnsyn:innsynskrav:ver1.0",
                new InnsynskravMessage("910077473", "innsyn@example.org")),
            document("publisering", "urn:no:difi:einnsyn:xsd::publisering", "urn:no:difi:profile:einnsyn:journalpost:ver1.0",
                new PubliseringMessage("910077473")),
            document("einnsyn_kvittering", "urn:no:difi:einnsyn:xsd::einnsyn_kvittering", "urn:no:difi:profile:einnsyn:response:ver1.0",
                new EinnsynKvitteringMessage("dokument", "OK", EinnsynType.INNSYNSKRAV)));
    }

    private static StandardBusinessDocument document(String type, String standard, String process, Object body) {
        OffsetDateTime created = OffsetDateTime.parse("2026-11-21T12:00:00.123456789+01:00");
        CorrelationInformation expected = new CorrelationInformation().setExpectedResponseDateTime(OffsetDateTime.parse("2030-11-22T11:00Z"));
        StandardBusinessDocumentHeader header = new StandardBusinessDocumentHeader().setHeaderVersion("1.0")
            .addSender(partner("0192:910077473:987654321").addContactInformation(new ContactInformation().setContact("Postmottak").setEmailAddress("post@example.org")))
            .addReceiver(partner("0192:910075918"))
            .setDocumentIdentification(new DocumentIdentification().setStandard(standard).setTypeVersion("2.0").setType(type)
                .setMultipleType(false).setCreationDateAndTime(created))
            .setManifest(new Manifest().setNumberOfItems(1L).addManifestItem(new ManifestItem().setMimeTypeQualifierCode("application/pdf")
                .setUniformResourceIdentifier("a.pdf").setDescription("d").setLanguageCode("nb")))
            .setBusinessScope(new BusinessScope().addScopes(
                new Scope().setType("ConversationId").setInstanceIdentifier(OTHER).setIdentifier(process).addScopeInformation(expected),
                new Scope().setType("SenderRef").setInstanceIdentifier("2026/17"),
                new Scope().setType("MessageChannel").setIdentifier("kanal-1")));
        return new StandardBusinessDocument().setStandardBusinessDocumentHeader(header).setAny(body);
    }

    private static Partner partner(String identifier) {
        return new Partner().setIdentifier(new PartnerIdentification().setAuthority(Authority.ISO6523_ACTORID_UPIS)
            .setValue(Iso6523.parse(identifier).getIdentifier()));
    }

    private static DpvSettings dpv() {
        return new DpvSettings().setVarselType(DpvVarselType.VARSEL_DPV_MED_REVARSEL).setVarselTransportType(DpvVarselTransportType.EPOSTOGSMS)
            .setVarselTekst("Dette er et varsel").setTaushetsbelagtVarselTekst("Dette er et annet").setDagerTilSvarfrist(7);
    }

    private static PostAddress address(String name) {
        return new PostAddress(name, "Veien 1", "Oppgang B", null, null, "0001", "Oslo", "Norge");
    }

    private static Map<String, Object> content() {
        Map<String, Object> content = new LinkedHashMap<>();
        content.put("tall", 2500.0);
        content.put("liste", List.of(1, true, "\u0000\ud83d\ude00"));
        content.put("tom", null);
        return content;
    }
}
