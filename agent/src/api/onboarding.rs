//! `/onboarding/…`: what the page of the onboarding is made of, as today's page asks for it. Who confirms or cancels a step
//! is answered how far it has come: systems and system users are made in Altinn, not here.

use super::answer::json;
use super::problem::Problem;
use crate::domain::Service;
use crate::ports::{Onboarding, Step, StepName};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;
use std::sync::Arc;

type Here = State<Arc<dyn Onboarding>>;

/// Its paths.
pub fn routes(onboarding: Arc<dyn Onboarding>) -> Router {
    Router::new()
        .route("/onboarding/token/{service}", get(token))
        .route("/onboarding/systemusers/{organisation}", get(system_users))
        .route("/onboarding/dialog/{step}", get(dialog))
        .route("/onboarding/dialog/{step}/confirm", post(dialog))
        .route("/onboarding/dialog/{step}/cancel", post(dialog))
        .with_state(onboarding)
}

/// The token itself, or in words why there is none.
async fn token(State(onboarding): Here, Path(name): Path<String>) -> Result<Response, Problem> {
    let service = match name.as_str() {
        "DPO" => Service::Dpo,
        "DPV" => Service::Dpv,
        "DPI" => Service::Dpi,
        _ => return Err(Problem::NoResource(format!("/onboarding/token/{name}"))),
    };
    let text = match onboarding.token(service).await {
        Ok(token) => token.reveal().to_owned(),
        Err(why) => why,
    };
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "the members of the page of today")]
struct SystemUsers {
    org_number: String,
    system_name: String,
    message: &'static str,
    system_users: Vec<String>,
}

async fn system_users(State(onboarding): Here, Path(organisation): Path<String>) -> Result<Response, Problem> {
    json(&SystemUsers {
        system_users: onboarding.system_users(&organisation),
        system_name: onboarding.system(),
        message: "De som er satt i innstillingene; Altinns systemregister spørres ikke.",
        org_number: organisation,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "the members of the page of today")]
struct StepInfo {
    name: &'static str,
    title: &'static str,
    description: String,
    dialog_text: &'static str,
    button_text: &'static str,
    required: bool,
    completed: bool,
    enable_cancel_button: bool,
    enable_action_button: bool,
    show_information_after_completion: bool,
}

async fn dialog(State(onboarding): Here, Path(name): Path<String>) -> Result<Response, Problem> {
    let unknown = || Problem::NoResource(format!("/onboarding/dialog/{name}"));
    // Nobody is asked about a step that is none.
    let wanted = StepName::ALL.into_iter().find(|step| step.name() == name).ok_or_else(unknown)?;
    let Ok(steps) = onboarding.steps().await;
    let step = steps.into_iter().find(|step| step.name == wanted).ok_or_else(unknown)?;
    json(&StepInfo::of(step))
}

impl StepInfo {
    fn of(step: Step) -> Self {
        let (title, dialog_text) = words(step.name);
        Self {
            name: step.name.name(),
            title,
            description: step.found,
            dialog_text,
            button_text: "Sjekk på nytt",
            required: !matches!(step.name, StepName::OnBehalf | StepName::TestFlow),
            completed: step.is_complete,
            enable_cancel_button: false,
            enable_action_button: true,
            show_information_after_completion: true,
        }
    }
}

/// What a step is called, and what it is about.
fn words(step: StepName) -> (&'static str, &'static str) {
    match step {
        StepName::Scopes => ("Scopes i Maskinporten", "Klienten i Maskinporten må ha fått scopene som DPO trenger."),
        StepName::System => (
            "System i Altinn",
            "Systemet må stå i Altinns systemregister med tilgangspakken informasjon og kommunikasjon.",
        ),
        StepName::SystemUser => ("Systembruker", "En som leder virksomheten må godkjenne systembrukeren i Altinn."),
        StepName::Configure => ("Innstillinger", "difi.move.dpo.systemUser.orgId og .name må være satt."),
        StepName::OnBehalf => ("På vegne av andre", "Hver virksomhet dere sender for må ha sin systembruker."),
        StepName::TestFlow => ("Prøvemelding", "Send en melding til dere selv eller til en testvirksomhet."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::{Answer, KeySize, NewKey};
    use efm::secret::Secret;

    /// Must not be asked.
    struct Unasked;

    impl Onboarding for Unasked {
        fn steps(&self) -> Answer<'_, Vec<Step>, std::convert::Infallible> {
            panic!("asked")
        }
        fn token(&self, _: Service) -> Answer<'_, Secret, String> {
            panic!("asked")
        }
        fn system_users(&self, _: &str) -> Vec<String> {
            panic!("asked")
        }
        fn system(&self) -> String {
            panic!("asked")
        }
        fn new_key(&self, _: KeySize) -> Answer<'_, NewKey, String> {
            panic!("asked")
        }
    }

    #[tokio::test]
    async fn nobody_is_asked_about_a_step_that_is_none() {
        let refused = dialog(State(Arc::new(Unasked)), Path("dance".to_owned())).await.unwrap_err();
        assert!(matches!(refused, Problem::NoResource(path) if path == "/onboarding/dialog/dance"));
    }

    #[test]
    fn a_step_has_the_members_of_the_page_of_today() {
        let step = Step { name: StepName::System, is_complete: false, found: "F".into() };
        let info = serde_json::to_value(StepInfo::of(step)).unwrap();
        let names: Vec<_> = info.as_object().unwrap().keys().map(String::as_str).collect();
        let all = [
            "buttonText",
            "completed",
            "description",
            "dialogText",
            "enableActionButton",
            "enableCancelButton",
            "name",
            "required",
            "showInformationAfterCompletion",
            "title",
        ];
        assert_eq!(names, all);
    }
}
