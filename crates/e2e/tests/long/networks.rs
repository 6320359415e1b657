//! Networks of others on the tenants' engine.

use e2e::{Api, docker, labelled};

/// A network that is not the platform's, gone when the test ends.
struct Foreign(&'static str);

impl Foreign {
    fn put_up(name: &'static str, subnet: &str) -> Self {
        docker(&["network", "create", "--subnet", subnet, name]).unwrap();
        Self(name)
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        drop(docker(&["network", "rm", self.0]));
    }
}

fn subnet_of(tenant: &str) -> String {
    let [network] = labelled("network", tenant).try_into().expect("one network");
    docker(&["network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", &network]).unwrap()
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn a_range_that_somebody_else_has_is_passed_over() {
    let api = Api::of_environment();
    let (first, operation) = api.create_tenant("starter").await;
    api.succeeds(&operation).await;
    let next_free = subnet_of(&first);
    api.delete_tenant(&first).await;

    let _foreign = Foreign::put_up("rp9-e2e-squat", &next_free);
    for _ in 0..2 {
        let (tenant, operation) = api.create_tenant("starter").await;
        api.succeeds(&operation).await;
        assert_ne!(subnet_of(&tenant), next_free);
        api.delete_tenant(&tenant).await;
    }
}
