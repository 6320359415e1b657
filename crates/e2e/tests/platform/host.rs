//! The machine that tenants run on, and its cloud: out of reach from inside their containers, while everything else is in it.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use e2e::{docker, eventually, first_tenant, main_of};
use serde_json::Value;

const REACH: &str = include_str!("reach.js");
/// Another machine, as this one's cloud has it: a metadata service, and some server on the internet.
const METADATA: &str = "169.254.169.254:80";
const INTERNET: &str = "198.51.100.7:80";
const CLOUD: &str = "rp9-e2e-cloud";
/// A container that is no tenant's.
const OUTSIDER: &str = "rp9-e2e-outsider";

/// What a container reaches of these addresses.
fn reached(container: &str, addresses: &[&str]) -> Result<Value, String> {
    let output = docker(&[&["exec", container, "node", "-e", REACH], addresses].concat())?;
    serde_json::from_str(output.lines().last().unwrap_or_default()).map_err(|e| format!("{e}: {output}"))
}

/// Makes and unmakes what only root may.
fn root(line: &str) -> Result<(), String> {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let line = if is_root { line.to_owned() } else { format!("sudo -n {line}") };
    let mut words = line.split(' ');
    let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{line}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// The other machine: a network of its own behind a cable, gone when the test ends.
struct Cloud(Child);

impl Cloud {
    fn put_up() -> Self {
        Self::take_down();
        root(&format!("ip netns add {CLOUD}")).unwrap();
        for line in [
            "ip link add rp9-e2e-cable type veth peer name eth0 netns CLOUD",
            "ip addr add 169.254.169.1/24 dev rp9-e2e-cable",
            "ip addr add 198.51.100.1/24 dev rp9-e2e-cable",
            "ip link set rp9-e2e-cable up",
            "ip -n CLOUD addr add 169.254.169.254/24 dev eth0",
            "ip -n CLOUD addr add 198.51.100.7/24 dev eth0",
            "ip -n CLOUD link set eth0 up",
            "ip -n CLOUD route add default via 169.254.169.1",
        ] {
            root(&line.replace("CLOUD", CLOUD)).unwrap();
        }
        let serving = ["netns", "exec", CLOUD, "python3", "-m", "http.server", "80"];
        Self(Command::new("ip").args(serving).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn take_down() {
        drop(root(&format!("ip netns del {CLOUD}")));
        drop(root("ip link del rp9-e2e-cable"));
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
        Self::take_down();
    }
}

/// A container beside the platform that publishes a port on every address of the machine.
struct Outsider;

impl Outsider {
    fn put_up(image: &str) -> Self {
        drop(docker(&["rm", "--force", OUTSIDER]));
        let serve = "require('http').createServer((_, answer) => answer.end()).listen(8000)";
        let run =
            ["run", "--detach", "--name", OUTSIDER, "--publish", "0.0.0.0::8000", "--entrypoint", "node"];
        docker(&[&run[..], &[image, "-e", serve]].concat()).unwrap();
        Self
    }

    fn port(&self) -> String {
        docker(&["port", OUTSIDER, "8000"])
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .rsplit(':')
            .next()
            .unwrap()
            .to_owned()
    }
}

impl Drop for Outsider {
    fn drop(&mut self) {
        drop(docker(&["rm", "--force", OUTSIDER]));
    }
}

fn inspected(container: &str, format: &str) -> String {
    docker(&["inspect", "--format", format, container]).unwrap()
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn a_tenant_reaches_neither_its_host_nor_the_clouds_metadata() {
    let main = main_of(&first_tenant());
    let gateway = inspected(&main, "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}");
    let outsider = Outsider::put_up(&inspected(&main, "{{.Config.Image}}"));
    let _cloud = Cloud::put_up();
    // Nobody needs to accept: the system does.
    let open = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = open.local_addr().unwrap().port();
    let elsewhere = inspected(OUTSIDER, "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}");
    let host = [format!("{gateway}:{port}"), format!("{elsewhere}:{port}")];
    let [by_gateway, by_another] = [&host[0], &host[1]].map(String::as_str);

    // All of it can be reached, or else it would prove nothing that a tenant does not.
    let everything = [by_gateway, by_another, METADATA, INTERNET];
    eventually("whoever is no tenant reaches everything", Duration::from_secs(30), async || {
        let found = reached(OUTSIDER, &everything)?;
        if everything.iter().all(|address| found[*address] == "ok") { Ok(()) } else { Err(found.to_string()) }
    })
    .await;

    let (needed, published) =
        (["postgres:5432", "redis:6379", INTERNET], format!("{gateway}:{}", outsider.port()));
    let api_port = format!("{gateway}:8080");
    let forbidden = [by_gateway, by_another, METADATA, &published, &api_port];
    let found = reached(&main, &[&needed[..], &forbidden[..]].concat()).unwrap();
    for address in needed {
        assert_eq!(found[address], "ok", "{found:#}");
    }
    for address in forbidden {
        assert_ne!(found[address], "ok", "{address}: {found:#}");
    }
}
