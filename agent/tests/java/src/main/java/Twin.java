import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import javax.xml.bind.JAXBContext;
import no.difi.asic.AsicReader;
import no.difi.asic.AsicReaderFactory;
import no.difi.asic.AsicVerifier;
import no.difi.asic.AsicVerifierFactory;
import no.difi.asic.SignatureMethod;
import no.difi.meldingsutveksling.dokumentpakking.domain.Document;
import no.difi.meldingsutveksling.dokumentpakking.domain.Manifest;
import no.difi.meldingsutveksling.dokumentpakking.service.AsicParser;
import no.difi.meldingsutveksling.dokumentpakking.service.CmsAlgorithm;
import no.difi.meldingsutveksling.dokumentpakking.service.CreateAsice;
import no.difi.meldingsutveksling.dokumentpakking.service.CreateCMSDocument;
import no.difi.meldingsutveksling.dokumentpakking.service.CreateCMSEncryptedAsice;
import no.difi.meldingsutveksling.dokumentpakking.service.DecryptCMSDocument;
import no.difi.meldingsutveksling.domain.Iso6523;
import no.difi.meldingsutveksling.domain.sbdh.StandardBusinessDocument;
import no.difi.meldingsutveksling.jackson.PartnerIdentifierModule;
import no.difi.meldingsutveksling.jackson.StandardBusinessDocumentModule;
import no.difi.meldingsutveksling.manifest.xml.Avsender;
import no.difi.meldingsutveksling.manifest.xml.HovedDokument;
import no.difi.meldingsutveksling.manifest.xml.MarshalManifest;
import no.difi.meldingsutveksling.manifest.xml.Mottaker;
import no.difi.meldingsutveksling.manifest.xml.Organisasjon;
import no.difi.meldingsutveksling.nextmove.BusinessMessageType;
import no.difi.move.common.cert.KeystoreHelper;
import no.difi.move.common.config.KeystoreProperties;
import no.difi.move.common.io.WritableByteArrayResource;
import no.difi.move.common.io.pipe.Plumber;
import no.difi.move.common.io.pipe.PromiseMaker;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cms.CMSAlgorithm;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.core.task.SimpleAsyncTaskExecutor;
import org.springframework.core.task.TaskExecutor;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.TransactionStatus;
import org.springframework.transaction.support.SimpleTransactionStatus;
import org.springframework.transaction.support.TransactionTemplate;

/** Seals, opens, writes and reads with the Java integrasjonspunkt's own classes. See README.md beside the pom. */
public final class Twin {
    private static final String ALIAS = "own";
    private static final String PASSWORD = "changeit";

    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        switch (args[0]) {
            case "seal" -> seal(pem(args[1]), pem(args[2]), Path.of(args[3]));
            case "open" -> open(pem(args[1]), Path.of(args[2]), Path.of(args[3]));
            case "write" -> write(Path.of(args[1]));
            case "read" -> read(Path.of(args[1]), Path.of(args[2]));
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    // ── Packages ────────────────────────────────────────────────────────────────────────────────────────────────────

    /** As DPO and DPE seal; and with the cipher of DPH, which this version does not know as a service. */
    private static void seal(Own own, Own receiver, Path out) throws Exception {
        seal(own, receiver, CmsAlgorithm.RSAES_OAEP, CMSAlgorithm.AES256_CBC, out.resolve("dpo.cms"));
        seal(own, receiver, null, CMSAlgorithm.AES256_CBC, out.resolve("dpe.cms"));
        seal(own, receiver, CmsAlgorithm.RSAES_OAEP, CMSAlgorithm.AES256_GCM, out.resolve("gcm.cms"));
    }

    private static void seal(Own own, Own receiver, AlgorithmIdentifier scheme, ASN1ObjectIdentifier content,
                             Path to) throws Exception {
        TaskExecutor executor = new SimpleAsyncTaskExecutor();
        Plumber plumber = new Plumber(executor);
        CreateCMSEncryptedAsice create = new CreateCMSEncryptedAsice(new PromiseMaker(executor, transactions()),
            new CreateAsice(plumber), new CreateCMSDocument(plumber, content));
        WritableByteArrayResource sealed = new WritableByteArrayResource();
        create.createCmsEncryptedAsice(CreateCMSEncryptedAsice.Input.builder()
            .manifest(Manifest.builder().resource(new ByteArrayResource(manifest())).build())
            .documents(Stream.of(
                document("arkivmelding.xml", "application/xml", "<arkivmelding/>"),
                document("blåbær og rømme.txt", "text/plain", "blåbær og rømme\n".repeat(200)),
                document("tom.pdf", "application/pdf", "")))
            .certificate(receiver.certificate())
            .keyEncryptionScheme(scheme)
            .signatureMethod(SignatureMethod.CAdES)
            .signatureHelper(own.helper().getSignatureHelper())
            .build(), sealed);
        Files.write(to, sealed.toByteArray());
    }

    private static Document document(String name, String type, String text) {
        return Document.builder().filename(name).mimeType(type)
            .resource(new ByteArrayResource(text.getBytes(StandardCharsets.UTF_8))).build();
    }

    private static byte[] manifest() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        MarshalManifest.marshal(new no.difi.meldingsutveksling.manifest.xml.Manifest(
            new Mottaker(new Organisasjon(Iso6523.parse("0192:910075918"))),
            new Avsender(new Organisasjon(Iso6523.parse("0192:910077473"))),
            new HovedDokument("arkivmelding.xml", "application/xml", "Hoveddokument", "no")), out);
        return out.toByteArray();
    }

    /** Decrypts, unpacks, and holds it against its signature; what comes out lies in a folder, and is told in lines. */
    private static void open(Own own, Path sealed, Path folder) throws Exception {
        byte[] asic;
        DecryptCMSDocument.Input input = DecryptCMSDocument.Input.builder()
            .resource(new ByteArrayResource(Files.readAllBytes(sealed)))
            .keystoreHelper(own.helper()).alias(ALIAS).build();
        try (InputStream opened = new DecryptCMSDocument().decrypt(input).getInputStream()) {
            asic = opened.readAllBytes();
        }
        Files.write(folder.resolve("asic.zip"), asic);
        for (Document document : new AsicParser().parse(new ByteArrayResource(asic))) {
            byte[] bytes;
            try (InputStream content = document.getResource().getInputStream()) {
                bytes = content.readAllBytes();
            }
            Path to = folder.resolve(document.getFilename());
            Files.write(to, bytes);
            System.out.println("document " + document.getMimeType() + " " + document.getFilename());
        }
        try (AsicReader reader = AsicReaderFactory.newFactory(SignatureMethod.CAdES).open(new ByteArrayInputStream(asic))) {
            for (String name; (name = reader.getNextFile()) != null; ) {
                if (name.equals("manifest.xml")) {
                    ByteArrayOutputStream out = new ByteArrayOutputStream();
                    reader.writeFile(out);
                    told(out.toByteArray());
                }
            }
        }
        // Throws where a digest or the signature does not hold.
        try (AsicVerifier verifier = AsicVerifierFactory.newFactory(SignatureMethod.CAdES).verify(new ByteArrayInputStream(asic))) {
            verifier.getAsicManifest().getFile().forEach(file ->
                System.out.println("signed " + file.getMimetype() + " " + file.getName() + " " + file.isVerified()));
            verifier.getAsicManifest().getCertificate().forEach(signer -> System.out.println("signer " + signer.getSubject()));
            verifier.getOasisManifest().getFileEntry().forEach(entry ->
                System.out.println("listed " + entry.getMediaType() + " " + entry.getFullPath()));
        }
    }

    private static void told(byte[] manifest) throws Exception {
        var read = (no.difi.meldingsutveksling.manifest.xml.Manifest) JAXBContext
            .newInstance(no.difi.meldingsutveksling.manifest.xml.Manifest.class).createUnmarshaller()
            .unmarshal(new ByteArrayInputStream(manifest));
        Organisasjon sender = read.getAvsender().getOrganisasjon();
        Organisasjon receiver = read.getMottaker().getOrganisasjon();
        HovedDokument first = read.getHoveddokument();
        System.out.println("from " + sender.getAuthority() + " " + sender.getOrgNummer());
        System.out.println("to " + receiver.getAuthority() + " " + receiver.getOrgNummer());
        System.out.println("first " + first.getMime() + " " + first.getHref() + " " + first.getTittel().getLang() + " " + first.getTittel().getTittel());
    }

    private static TransactionTemplate transactions() {
        return new TransactionTemplate(new PlatformTransactionManager() {
            @Override
            public TransactionStatus getTransaction(TransactionDefinition definition) {
                return new SimpleTransactionStatus();
            }

            @Override
            public void commit(TransactionStatus status) {
            }

            @Override
            public void rollback(TransactionStatus status) {
            }
        });
    }

    // ── Documents ───────────────────────────────────────────────────────────────────────────────────────────────────

    /** One of each message type: with every member, also those that are null, and without those that are null. */
    private static void write(Path out) throws Exception {
        for (StandardBusinessDocument document : Documents.all()) {
            String name = document.getType();
            Files.writeString(out.resolve(name + ".json"), mapper(JsonInclude.Include.ALWAYS).writeValueAsString(document) + "\n");
            Files.writeString(out.resolve(name + "-without-nulls.json"), mapper(JsonInclude.Include.NON_NULL).writeValueAsString(document) + "\n");
        }
    }

    /** Reads each document of a folder, a member that is not known being an error, and writes it again into another. */
    private static void read(Path from, Path to) throws Exception {
        ObjectMapper mapper = mapper(JsonInclude.Include.NON_NULL).enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);
        try (Stream<Path> all = Files.list(from)) {
            for (Path path : all.sorted().toList()) {
                StandardBusinessDocument document = mapper.readValue(path.toFile(), StandardBusinessDocument.class);
                System.out.println("read " + document.getType() + " " + document.getMessageId() + " " + document.getConversationId()
                    + " " + document.getProcess() + " " + document.getSenderIdentifier().getIdentifier()
                    + " " + document.getAny().getClass().getSimpleName());
                mapper.writeValue(to.resolve(path.getFileName().toString()).toFile(), document);
            }
        }
    }

    private static ObjectMapper mapper(JsonInclude.Include include) {
        return new ObjectMapper()
            .registerModule(new JavaTimeModule())
            .registerModule(new PartnerIdentifierModule())
            .registerModule(new StandardBusinessDocumentModule(BusinessMessageType::fromType))
            .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
            .disable(DeserializationFeature.ADJUST_DATES_TO_CONTEXT_TIME_ZONE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .setSerializationInclusion(include);
    }

    // ── Keys ────────────────────────────────────────────────────────────────────────────────────────────────────────

    /** A key and its chain, as the integrasjonspunkt holds them. */
    private record Own(X509Certificate certificate, KeystoreHelper helper) {
    }

    private static Own pem(String file) throws Exception {
        String text = Files.readString(Path.of(file), StandardCharsets.US_ASCII);
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<Certificate> chain = new ArrayList<>();
        for (byte[] der : sections(text, "CERTIFICATE")) {
            chain.add(factory.generateCertificate(new ByteArrayInputStream(der)));
        }
        PrivateKey key = KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(sections(text, "PRIVATE KEY").get(0)));
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry(ALIAS, key, PASSWORD.toCharArray(), chain.toArray(new Certificate[0]));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        store.store(out, PASSWORD.toCharArray());
        KeystoreProperties properties = new KeystoreProperties().setAlias(ALIAS).setPassword(PASSWORD).setType("PKCS12")
            .setPath(new ByteArrayResource(out.toByteArray())).setLockProvider(false);
        return new Own((X509Certificate) chain.get(0), new KeystoreHelper(properties));
    }

    private static List<byte[]> sections(String text, String name) {
        List<byte[]> found = new ArrayList<>();
        String begin = "-----BEGIN " + name + "-----";
        for (int at = text.indexOf(begin); at >= 0; at = text.indexOf(begin, at + 1)) {
            String inner = text.substring(at + begin.length(), text.indexOf("-----END " + name + "-----", at));
            found.add(Base64.getMimeDecoder().decode(inner));
        }
        return found;
    }
}
