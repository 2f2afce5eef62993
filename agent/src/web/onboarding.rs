//! `/onboarding` and `/jwk`: how far the site has come on its way to DPO, and a new key for Maskinporten. A key is shown once and
//! kept nowhere.

use super::words::shown;
use super::{Frame, Trouble, Web, drawn};
use crate::ports::{KeySize, StepName};
use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

#[derive(Template)]
#[template(path = "onboarding.html")]
struct Onboarding {
    frame: Frame,
    rows: Vec<Row>,
}

struct Row {
    title: &'static str,
    is_complete: bool,
    is_optional: bool,
    found: Vec<String>,
}

/// `GET /onboarding`
pub(super) async fn page(State(web): State<Web>) -> Result<Response, Trouble> {
    let Some(onboarding) = &web.onboarding else { return Err(Trouble::NotFound) };
    let Ok(steps) = onboarding.steps().await;
    let rows = steps.into_iter().map(|step| Row {
        title: title(step.name),
        is_complete: step.is_complete,
        is_optional: matches!(step.name, StepName::OnBehalf | StepName::TestFlow),
        found: step.found.lines().map(shown).collect(),
    });
    drawn(&Onboarding { frame: Frame::of(&web), rows: rows.collect() })
}

fn title(step: StepName) -> &'static str {
    match step {
        StepName::Scopes => "Maskinporten gir scopene",
        StepName::System => "Systemet står i Altinns systemregister",
        StepName::SystemUser => "Systembrukeren er godkjent",
        StepName::Configure => "Innstillingene nevner den",
        StepName::OnBehalf => "På vegne av andre",
        StepName::TestFlow => "En prøvemelding",
    }
}

#[derive(Template)]
#[template(path = "jwk.html")]
struct Jwk {
    frame: Frame,
    wrong: Option<String>,
    made: Option<Made>,
}

struct Made {
    name: String,
    kid: String,
    public: String,
    private: String,
    is_short: bool,
}

/// `GET /jwk`
pub(super) async fn ask(State(web): State<Web>) -> Result<Response, Trouble> {
    drawn(&Jwk { frame: Frame::of(&web), wrong: None, made: None })
}

/// `POST /jwk`
pub(super) async fn make(State(web): State<Web>, form: Bytes) -> Result<Response, Trouble> {
    let Some(onboarding) = &web.onboarding else { return Err(Trouble::NotFound) };
    let given = |wanted: &str| {
        let pair = url::form_urlencoded::parse(&form).find(|(name, _)| name == wanted);
        pair.map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let Some(size) = KeySize::named(&given("keySize")) else {
        let wrong = Some("Nøkkelen kan ha 1024, 2048 eller 4096 bit.".to_owned());
        let page = Jwk { frame: Frame::of(&web), wrong, made: None };
        return Ok((StatusCode::BAD_REQUEST, Html(page.render()?)).into_response());
    };
    let made = onboarding.new_key(size).await;
    let (wrong, made) = match made {
        Err(why) => (Some(why), None),
        Ok(key) => {
            let name = given("shortName").chars().filter(|letter| !letter.is_control()).take(100).collect();
            let private = key.private.reveal().to_owned();
            let is_short = size == KeySize::Bits1024;
            (None, Some(Made { name, kid: key.kid, public: key.public, private, is_short }))
        }
    };
    drawn(&Jwk { frame: Frame::of(&web), wrong, made })
}
