//! Every webhook that answers when its workflow has finished does answer.

use std::time::Duration;

use common::config::{Env, Section};
use e2e::{Answers, Api, Customer, eventually, webhook_workflow};
use futures::{StreamExt, stream};
use serde_json::json;

const AT_ONCE: usize = 10;

/// How many calls: 3,000 when somebody wants to be sure (`just answers`), one of two hundred of which failed when this was written.
struct Calls(usize);

impl Section for Calls {
    fn read(env: &mut Env) -> Option<Self> {
        env.or("E2E_CALLS", 200).map(Self)
    }
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn whoever_waits_for_the_last_node_is_answered() {
    let (api, Calls(calls)) = (Api::of_environment(), Env::of_process().load().unwrap());
    let (_, customer) = Customer::of_the_first_tenant(&api).await;
    customer.activate(&webhook_workflow("e2e-answers", Answers::WhenFinished)).await;
    let call = async |say: String| {
        let answer = customer.post("/webhook/e2e-answers", &json!({ "say": say })).await?;
        if answer.to_string().contains(&say) { Ok(()) } else { Err(answer.to_string()) }
    };
    eventually("the webhook answers", Duration::from_secs(30), async || call("first".into()).await).await;
    let outcomes = stream::iter(0..calls).map(|n| call(format!("call {n}"))).buffer_unordered(AT_ONCE);
    let failures: Vec<_> = outcomes.filter_map(async |outcome| outcome.err()).collect().await;
    assert!(failures.is_empty(), "{} of {calls} calls: {failures:?}", failures.len());
}
