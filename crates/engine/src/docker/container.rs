//! Containers: bringing up, taking down, limits.

use std::time::Duration;

use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{
    CreateContainerOptions, CreateImageOptions, InspectContainerOptions, RemoveContainerOptions,
    RestartContainerOptions, StartContainerOptions, StopContainerOptions,
};
use futures::TryStreamExt as _;

use super::call::{if_found, malformed, says, status};
use super::exit::{self, Joinable};
use super::observe::{found, observed, owner};
use super::{Docker, body};
use crate::error::ContainerError;
use crate::observed::Observed;
use crate::ownership::owned_by;
use crate::plan::{self, Demand, Way};
use crate::spec::{ContainerRef, ContainerSpec, Limits};

/// An engine reserves a container's name some time before it shows the container, and keeps it some time after; so when
/// somebody else changes the same container, we start over so often,
const TRIES: u32 = 30;
/// and so long apart: three seconds in all, several times what making a container takes.
const PAUSE: Duration = Duration::from_millis(100);

/// What an engine does to a container that was made without a stop timeout.
const DEFAULT_STOP_SECONDS: i64 = 10;

impl Docker {
    /// Whatever is there, a container of this specification runs afterwards, as far as that is demanded.
    pub(super) async fn bring_up(&self, spec: &ContainerSpec, demand: Demand) -> Result<(), ContainerError> {
        let network = &self.joinable(spec).await?;
        for _ in 1..TRIES {
            match self.step_up(spec, network, demand).await {
                Err(error) if matches!(status(&error), Some(404 | 409)) => tokio::time::sleep(PAUSE).await,
                done => return done,
            }
        }
        self.step_up(spec, network, demand).await
    }

    async fn step_up(
        &self,
        spec: &ContainerSpec,
        network: &Joinable,
        demand: Demand,
    ) -> Result<(), ContainerError> {
        let seen = self.inspect(&spec.name).await?;
        let found = seen.as_ref().map(|seen| found(seen, &spec.network, &network.id));
        let way = plan::ensure(spec, found.as_ref(), demand)?;
        let id = seen.as_ref().and_then(|seen| seen.id.as_deref()).unwrap_or(&spec.name);
        match way {
            Way::Create => self.create_and_start(spec, network).await,
            Way::Replace => {
                self.take_down(&spec.reference(), seen.as_ref()).await?;
                self.create_and_start(spec, network).await
            }
            Way::Finish => self.finish(id, spec).await,
            Way::Start => self.start(id).await,
            Way::Unpause => self.call("unpause container", self.api.unpause_container(id)).await,
            Way::Keep => Ok(()),
        }
    }

    /// The network that the specification names, if it belongs to the same owner. This is also what keeps a
    /// container out of the host's network: that one is nobody's.
    pub(super) async fn joinable(&self, spec: &ContainerSpec) -> Result<Joinable, ContainerError> {
        let Some(network) = self.find_network(&spec.network).await? else {
            return Err(ContainerError::NoNetwork { name: spec.network.clone() });
        };
        let has_exit = exit::is_in(&network);
        if !owned_by(&network.labels.unwrap_or_default(), spec.owner.tenant, &spec.owner.cluster) {
            return Err(plan::network_not_ours(spec));
        }
        let id = network.id.ok_or_else(|| malformed("list networks", "an id"))?;
        Ok(Joinable { id, has_exit })
    }

    pub(super) async fn create_and_start(
        &self,
        spec: &ContainerSpec,
        network: &Joinable,
    ) -> Result<(), ContainerError> {
        if !spec.secrets.is_empty() {
            self.make_volume(spec).await?;
        }
        let id = self.create(spec, network).await?;
        self.finish(&id, spec).await
    }

    /// Completes a container that was created and not started.
    pub(super) async fn finish(&self, id: &str, spec: &ContainerSpec) -> Result<(), ContainerError> {
        self.write_secrets(id, spec).await?;
        self.start(id).await
    }

    async fn start(&self, id: &str) -> Result<(), ContainerError> {
        self.call("start container", self.api.start_container(id, None::<StartContainerOptions>)).await
    }

    async fn create(&self, spec: &ContainerSpec, network: &Joinable) -> Result<String, ContainerError> {
        match self.try_create(spec, network).await {
            Err(error) if status(&error) == Some(404) && says(&error, "image") => {
                self.pull(&spec.image, error).await?;
                self.try_create(spec, network).await
            }
            created => created,
        }
    }

    async fn try_create(&self, spec: &ContainerSpec, network: &Joinable) -> Result<String, ContainerError> {
        let options = CreateContainerOptions { name: Some(spec.name.clone()), ..Default::default() };
        let create = self.api.create_container(Some(options), body::create(spec, network));
        self.call("create container", create).await.map(|created| created.id)
    }

    async fn pull(&self, image: &str, missing: ContainerError) -> Result<(), ContainerError> {
        let refuse = |reason, source: ContainerError| {
            let image = image.to_owned();
            Err(ContainerError::NoImage { image, reason, source: Some(Box::new(source)) })
        };
        if !self.options.pull {
            return refuse("pulling is off", missing);
        }
        let options = CreateImageOptions { from_image: Some(image.to_owned()), ..Default::default() };
        let progress = self.api.create_image(Some(options), None, None);
        let pulled = progress.try_for_each(|_| futures::future::ok(()));
        match self.call_within(self.options.pull_timeout, "pull image", pulled).await {
            Ok(()) => Ok(()),
            Err(error) => refuse("cannot be pulled", error),
        }
    }

    /// The container of exactly this name.
    pub(super) async fn inspect(
        &self,
        name: &str,
    ) -> Result<Option<ContainerInspectResponse>, ContainerError> {
        let inspect = self.api.inspect_container(name, None::<InspectContainerOptions>);
        let found = if_found(self.call("inspect container", inspect).await)?;
        // The engine would also take a name for the beginning of an id.
        Ok(found.filter(|found| found.name.as_deref().is_some_and(|n| n.trim_start_matches('/') == name)))
    }

    pub(super) async fn remove_owned(&self, container: &ContainerRef) -> Result<(), ContainerError> {
        let seen = self.inspect(&container.name).await?;
        if let Some(seen) = &seen {
            plan::touch(container, owner(seen).as_ref())?;
        }
        self.take_down(container, seen.as_ref()).await
    }

    /// Stops and removes a container that the caller has checked, and its secrets.
    pub(super) async fn take_down(
        &self,
        container: &ContainerRef,
        seen: Option<&ContainerInspectResponse>,
    ) -> Result<(), ContainerError> {
        if let Some(seen) = seen {
            let id = seen.id.as_deref().ok_or_else(|| malformed("inspect container", "an id"))?;
            self.stop(id, seen).await?;
            self.discard(id).await?;
        }
        self.remove_volume(container).await
    }

    async fn stop(&self, id: &str, seen: &ContainerInspectResponse) -> Result<(), ContainerError> {
        let seconds = seen.config.as_ref().and_then(|c| c.stop_timeout).unwrap_or(DEFAULT_STOP_SECONDS);
        let patience = Duration::from_secs(seconds.try_into().unwrap_or_default());
        // Without a number in the request, the engine waits as long as the container was made for.
        let stop = self.api.stop_container(id, None::<StopContainerOptions>);
        let stopped = self.call_within(patience + self.options.call_timeout, "stop container", stop).await;
        if_found(stopped).map(|_| ())
    }

    pub(super) async fn restart_owned(
        &self,
        container: &ContainerRef,
        grace: Duration,
    ) -> Result<(), ContainerError> {
        let Some(seen) = self.inspect(&container.name).await? else {
            return Err(ContainerError::NotFound { object: container.name.clone() });
        };
        plan::touch(container, owner(&seen).as_ref())?;
        let seconds = grace.as_secs().try_into().unwrap_or(i32::MAX);
        let options = RestartContainerOptions { t: Some(seconds), ..Default::default() };
        let restart = self.api.restart_container(&container.name, Some(options));
        self.call_within(grace + self.options.call_timeout, "restart container", restart).await
    }

    /// Removes a container at once, running or not.
    pub(super) async fn discard(&self, id: &str) -> Result<(), ContainerError> {
        let options = RemoveContainerOptions { v: true, force: true, link: false };
        match self.call("remove container", self.api.remove_container(id, Some(options))).await {
            Err(error) if says(&error, "already in progress") => self.await_gone(id).await,
            removed => if_found(removed).map(|_| ()),
        }
    }

    async fn await_gone(&self, id: &str) -> Result<(), ContainerError> {
        let gone = async {
            while if_found(self.call("inspect container", self.api.inspect_container(id, None)).await)?
                .is_some()
            {
                tokio::time::sleep(PAUSE).await;
            }
            Ok(())
        };
        let limit = self.options.call_timeout;
        let late = ContainerError::Timeout { call: "remove container", after_ms: limit.as_millis() };
        tokio::time::timeout(limit, gone).await.unwrap_or(Err(late))
    }

    pub(super) async fn resize_owned(
        &self,
        container: &ContainerRef,
        limits: Limits,
    ) -> Result<Observed, ContainerError> {
        let Some(seen) = self.inspect(&container.name).await? else {
            return Err(ContainerError::NotFound { object: container.name.clone() });
        };
        plan::touch(container, owner(&seen).as_ref())?;
        self.set_limits(&container.name, limits).await
    }

    /// Brings the limits in line if they are not, and reads them back.
    pub(super) async fn set_limits(&self, name: &str, limits: Limits) -> Result<Observed, ContainerError> {
        let now = self.look(name).await?;
        if now.limits == limits {
            return Ok(now);
        }
        self.call("update container", self.api.update_container(name, body::update(limits))).await?;
        let now = self.look(name).await?;
        if now.limits == limits {
            return Ok(now);
        }
        let detail = format!("wanted {limits:?}, found {:?}", now.limits);
        Err(ContainerError::LimitsDiffer { container: name.to_owned(), detail })
    }

    async fn look(&self, name: &str) -> Result<Observed, ContainerError> {
        let seen = self.inspect(name).await?;
        let observed = seen.as_ref().and_then(observed);
        observed.ok_or_else(|| ContainerError::NotFound { object: name.to_owned() })
    }
}
