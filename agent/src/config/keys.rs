//! The keys that this version reads, with their defaults. What is not here is told and ignored.

/// A setting.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    /// As it would be written; `${…}` is expanded.
    pub(super) default: Option<&'static str>,
    pub(super) is_secret: bool,
}

const fn key(name: &'static str, default: &'static str) -> Key {
    Key { name, default: Some(default), is_secret: false }
}

const fn unset(name: &'static str) -> Key {
    Key { name, default: None, is_secret: false }
}

const fn secret(name: &'static str) -> Key {
    Key { name, default: None, is_secret: true }
}

/// All.
pub(super) const KEYS: &[Key] = &[
    unset("spring.profiles.active"),
    unset("server.address"),
    key("server.port", "9093"),
    key("difi.ssl.enabled", "true"),
    unset("difi.ssl.key-store"),
    key("difi.ssl.key-store-type", "JKS"),
    secret("difi.ssl.key-store-password"),
    unset("difi.ssl.key-alias"),
    key("difi.security.enable", "true"),
    key("difi.move.feature.enable-auth", "${difi.security.enable:true}"),
    unset("difi.security.user.name"),
    secret("difi.security.user.password"),
    unset("difi.move.org.number"),
    unset("difi.move.org.keystore.path"),
    unset("difi.move.org.keystore.alias"),
    secret("difi.move.org.keystore.password"),
    key("difi.move.org.keystore.type", "PKCS12"),
    key("difi.move.org.keystore.lockProvider", "false"),
    key("difi.move.serviceregistryEndpoint", "https://test.eformidling.no/adressetjeneste"),
    key("difi.move.feature.enableDPO", "false"),
    key("difi.move.feature.enableDPV", "false"),
    key("difi.move.feature.enableDPI", "false"),
    key("difi.move.feature.enableDPF", "false"),
    key("difi.move.feature.enableDPE", "false"),
    key("difi.move.feature.enableDPH", "false"),
    key("difi.datasource.url", "jdbc:sqlite:integrasjonspunkt.sqlite"),
    unset("difi.datasource.username"),
    secret("difi.datasource.password"),
    key("difi.move.nextmove.filedir", "messages"),
    key("difi.move.nextmove.lockTimeoutMinutes", "5"),
    key("difi.move.nextmove.default-ttl-hours", "24"),
    key("difi.move.nextmove.ttlPollingrate", "30000"),
    key("difi.move.nextmove.status-services", "DPO,DPE"),
    unset("difi.move.feature.statusQueueIncludes"),
    key("difi.move.nextmove.status-document-type", "urn:no:difi:eformidling:xsd::status"),
    key("difi.move.queue.maximum-retry-hours", "100"),
    key("difi.move.queue.concurrency", "10"),
    key("difi.move.dpo.brokerserviceUrl", "https://platform.tt02.altinn.no/broker/api/v1"),
    key(
        "difi.move.dpo.altinnTokenExchangeUrl",
        "https://platform.tt02.altinn.no/authentication/api/v1/exchange/maskinporten",
    ),
    key("difi.move.dpo.resource", "eformidling-dpo-meldingsutveksling"),
    key("difi.move.dpo.systemUser.orgId", "0192:${difi.move.org.number}"),
    key(
        "difi.move.dpo.systemUser.name",
        "${difi.move.org.number}_integrasjonspunkt_systembruker_${difi.move.org.number}",
    ),
    unset("difi.move.dpo.reportees[n].orgId"),
    unset("difi.move.dpo.reportees[n].name"),
    key("difi.move.dpo.connectTimeout", "3000"),
    key("difi.move.dpo.requestTimeout", "30000"),
    key("integrasjonspunkt.dpo.pollingrate", "15000"),
    key("integrasjonspunkt.queue.first-retry", "20000"),
    unset("difi.move.dpo.message-channel"),
    key("difi.move.dpo.upload-size-limit", "1GB"),
    key("difi.move.dpv.upload-size-limit", "250MB"),
    key("difi.move.dpi.upload-size-limit", "50MB"),
    unset("difi.move.dph.her-ids"),
    key("difi.move.dph.upload-size-limit", "18MB"),
    key("difi.move.fiks.ut.upload-size-limit", "1GB"),
    key("difi.move.nextmove.serviceBus.upload-size-limit", "2MB"),
    key("difi.move.webhooks.connectTimeout", "10000"),
    key("difi.move.webhooks.readTimeout", "10000"),
    secret("integrasjonspunkt.webhooks.secret"),
    key("integrasjonspunkt.webhooks.give-up-after-hours", "24"),
    key("integrasjonspunkt.webhooks.ping", "told"),
    key("integrasjonspunkt.webhooks.log-days", "30"),
    key("management.endpoints.enabled-by-default", "true"),
    key("management.endpoint.shutdown.enabled", "${management.endpoints.enabled-by-default:true}"),
    key("integrasjonspunkt.proxy", "environment"),
    unset("integrasjonspunkt.no-proxy"),
    unset("integrasjonspunkt.ca-file"),
    unset("integrasjonspunkt.blobs.key-file"),
    key("integrasjonspunkt.blobs.key-wrapping", "none"),
    key("integrasjonspunkt.retention.days", "0"),
    unset("integrasjonspunkt.sealing.authorities"),
    unset("integrasjonspunkt.sealing.refuse"),
    key("integrasjonspunkt.shutdown.from", "loopback"),
    key("logging.file.name", "integrasjonspunkt-logs/application.log"),
    unset("logging.level.root"),
    key("logging.level.no.difi.meldingsutveksling", "INFO"),
    key("app.logger.stdoutAppender", "CONSOLE"),
    unset("integrasjonspunkt.loopback.folder"),
    key("integrasjonspunkt.loopback.service", "DPO"),
    key("integrasjonspunkt.loopback.asks-registry", "false"),
    // How receivers are looked up.
    key("difi.move.sign.enable", "true"),
    key("difi.move.sign.jwkUrl", "${difi.move.serviceregistryEndpoint}/jwk"),
    key("difi.move.feature.enableBetaFeatures", "false"),
    key("difi.move.feature.enableDsfPrintLookup", "true"),
    key("difi.move.arkivmelding.default-process", "urn:no:difi:profile:arkivmelding:administrasjon:ver1.0"),
    key("difi.move.oidc.enable", "true"),
    secret("difi.move.oidc.mock.token"),
    key("difi.move.oidc.url", "https://test.maskinporten.no/token"),
    key("difi.move.oidc.audience", "https://test.maskinporten.no/"),
    key("difi.move.oidc.clientIdPrefix", "MOVE_IP_"),
    key("difi.move.oidc.clientId", "${difi.move.oidc.clientIdPrefix}${difi.move.org.number:}"),
    key("difi.move.oidc.authenticationType", "CERTIFICATE"),
    unset("difi.move.oidc.jwk.path"),
    key("difi.move.oidc.connectTimeout", "5000"),
    key("difi.move.oidc.readTimeout", "30000"),
    key("difi.move.dpo.oidc.authenticationType", "${difi.move.oidc.authenticationType}"),
    key("difi.move.dpo.oidc.jwk.path", "${difi.move.oidc.jwk.path:}"),
    key("difi.move.dpo.oidc.clientId", "${difi.move.oidc.clientId}"),
    unset("integrasjonspunkt.sign.ca-file"),
    unset("integrasjonspunkt.sign.organisation"),
];

/// What a profile says before anybody else does.
pub(super) fn of_profile(profile: &str) -> Option<&'static [(&'static str, &'static str)]> {
    match profile {
        "dev" => Some(&[("difi.move.serviceregistryEndpoint", "https://eformidling.dev/adressetjeneste")]),
        "staging" => Some(&[
            ("difi.move.serviceregistryEndpoint", "https://test.eformidling.no/adressetjeneste"),
            ("difi.move.feature.enableBetaFeatures", "true"),
        ]),
        "production" => Some(&[
            ("difi.move.serviceregistryEndpoint", "https://eformidling.no/adressetjeneste"),
            ("difi.move.feature.enableDPE", "true"),
            ("difi.move.dpo.brokerserviceUrl", "https://platform.altinn.no/broker/api/v1"),
            (
                "difi.move.dpo.altinnTokenExchangeUrl",
                "https://platform.altinn.no/authentication/api/v1/exchange/maskinporten",
            ),
            ("difi.move.oidc.url", "https://maskinporten.no/token"),
            ("difi.move.oidc.audience", "https://maskinporten.no/"),
        ]),
        _ => None,
    }
}
