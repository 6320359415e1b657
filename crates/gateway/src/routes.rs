//! Every route of the API. Each is described where it is written; the description at `/openapi.json` is made of the
//! same list as the router, so neither knows a route that the other does not.

mod audit;
mod backups;
mod dead_letters;
mod docs;
pub mod edge;
mod events;
mod health;
mod held;
mod keys;
mod metrics;
mod openapi;
mod operations;
mod plans;
mod promotions;
mod reason;
mod rollouts;
mod sandboxes;
mod schedules;
mod shared_instances;
mod tenant_metrics;
mod tenants;
mod ws;

use axum::{Router, middleware};
use http::StatusCode;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    http::{compressed::compressed, cors, observe::observe},
};

#[cfg(test)]
pub use self::reason::{OptionalReasonBody, ReasonBody};

/// The routes that answer with streams of events.
pub const STREAMS: [&str; 3] = ["/events", "/operations/{id}/events", "/tenants/{id}/logs"];

/// Every route with its description.
fn described() -> (Router<App>, OpenApi) {
    OpenApiRouter::with_openapi(openapi::frame())
        .merge(of_tenants())
        .routes(routes!(plans::list))
        .routes(routes!(backups::show::show, backups::steer::remove))
        .routes(routes!(backups::contents::contents))
        .routes(routes!(backups::extract::extract))
        .routes(routes!(backups::steer::hold))
        .routes(routes!(backups::steer::release))
        .routes(routes!(sandboxes::list::list))
        .routes(routes!(sandboxes::delete::delete))
        .routes(routes!(shared_instances::create::create, shared_instances::list::list))
        .routes(routes!(shared_instances::delete::delete))
        .routes(routes!(shared_instances::rebuild::rebuild))
        .routes(routes!(shared_instances::steer::drain))
        .routes(routes!(shared_instances::steer::reopen))
        .routes(routes!(promotions::scan))
        .routes(routes!(held::show::show))
        .routes(routes!(held::replay::replay))
        .routes(routes!(held::replay::replay_all))
        .routes(routes!(rollouts::create::create, rollouts::list::list))
        .routes(routes!(rollouts::show::show))
        .routes(routes!(rollouts::cancel::cancel))
        .routes(routes!(operations::list::list))
        .routes(routes!(operations::show::show))
        .routes(routes!(operations::steer::cancel))
        .routes(routes!(operations::steer::resume))
        .routes(routes!(operations::steer::abandon))
        .routes(routes!(schedules::list::list))
        .routes(routes!(schedules::steer::pause))
        .routes(routes!(schedules::steer::resume))
        .routes(routes!(keys::create::create, keys::list::list))
        .routes(routes!(keys::show::show, keys::revoke::revoke))
        .routes(routes!(audit::list))
        .routes(routes!(dead_letters::list::list))
        .routes(routes!(dead_letters::show::show, dead_letters::decide::delete))
        .routes(routes!(dead_letters::decide::replay))
        .routes(routes!(events::follow_operation))
        .routes(routes!(events::follow))
        .routes(routes!(ws::follow_by_socket))
        .routes(routes!(health::healthz))
        .routes(routes!(health::detailed))
        .routes(routes!(metrics::metrics))
        .routes(routes!(tenant_metrics::metrics))
        .routes(routes!(tenant_metrics::top))
        .routes(routes!(openapi::describe))
        .routes(routes!(docs::page))
        .routes(routes!(docs::file))
        .split_for_parts()
}

/// Those that name a tenant, or make one.
fn of_tenants() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(tenants::create::create, tenants::list::list))
        .routes(routes!(tenants::show::show, tenants::update::update, tenants::delete::delete))
        .routes(routes!(tenants::initial_login::initial_login))
        .routes(routes!(tenants::reset_login::reset_login))
        .routes(routes!(tenants::logs::logs))
        .routes(routes!(tenants::events::events))
        .routes(routes!(tenants::usage::usage))
        .routes(routes!(tenants::held::list_held))
        .routes(routes!(tenants::verbs::restart))
        .routes(routes!(tenants::verbs::suspend))
        .routes(routes!(tenants::verbs::resume))
        .routes(routes!(tenants::scale::scale))
        .routes(routes!(tenants::upgrade::upgrade))
        .routes(routes!(tenants::blue_green::blue_green))
        .routes(routes!(tenants::blue_green::status::blue_green_status))
        .routes(routes!(tenants::promote::promote))
        .routes(routes!(tenants::promotions::list_promotions))
        .routes(routes!(tenants::rollback::rollback))
        .routes(routes!(tenants::failover::failover))
        .routes(routes!(tenants::failovers::list_failovers))
        .routes(routes!(tenants::verify_domain::verify_domain))
        .routes(routes!(tenants::backups::make))
        .routes(routes!(tenants::backups::list))
        .routes(routes!(tenants::restore::restore))
        .routes(routes!(tenants::drills::drill))
        .routes(routes!(tenants::drills::list_drills))
}

/// The API as a service.
pub fn api(app: &App) -> Router {
    let (router, description) = described();
    let router = router
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(axum::Extension(openapi::Document::of(&description)))
        .layer(compressed());
    let followed =
        |router: Router<App>| router.layer(middleware::from_fn_with_state(app.observer.clone(), observe));
    let router = if app.origins.is_empty() {
        followed(router)
    } else {
        // Inside, so that browsers' questions are followed like every request; and around it, because it writes out errors.
        followed(router.layer(middleware::from_fn_with_state(app.origins.clone(), cors::answer_preflight)))
            .layer(middleware::from_fn_with_state(app.origins.clone(), cors::tell))
    };
    router.with_state(app.clone())
}

/// The API as a description: OpenAPI, in JSON.
pub fn describe() -> String {
    openapi::Document::of(&described().1).into_text()
}
