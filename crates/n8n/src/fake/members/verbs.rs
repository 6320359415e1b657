//! What the verbs do in memory.

use std::collections::BTreeSet;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};

use super::{FakeMember, FakeMembers, NOTHING, State};
use crate::databases::{Counts, Name, OwnerLogin};
use crate::members::{
    ActiveWorkflow, Checked, ExecutionId, Expected, Flaw, Leftover, Main, Member, MemberError, MemberLimits,
    Members, Place, ProjectId, Recognised, Skipped, Unfit, Usage, WorkflowId,
};

#[async_trait]
impl Members for FakeMembers {
    async fn answers(&self, main: &Main) -> Result<(), Unfit> {
        self.answering(main).map(drop)
    }

    async fn recognise(&self, main: &Main, jwt_secret: &SecretString) -> Result<Recognised, Unfit> {
        let answering = self.answering(main)?;
        let databases = &self.world.databases;
        let Some(found) = databases.database(&main.instance) else {
            return Err(databases.absent(&main.instance).into());
        };
        if !found.understood {
            return Err(Unfit::VersionUnknown("its last migration is another".into()));
        }
        if databases.led(&main.instance).as_ref() != Some(&answering.database) {
            return Err(Unfit::AnotherDatabase);
        }
        if answering.jwt_secret != jwt_secret.expose_secret() {
            return Err(Unfit::AnotherSecret);
        }
        databases.change(&main.instance, |database| database.shared_schema = true);
        if !answering.hooks {
            return Err(Unfit::NoHooks);
        }
        let (owner, _) = found.instance_owner.ok_or(Unfit::AnotherDatabase)?;
        Ok(Recognised { owner, since: found.version })
    }

    async fn ensure(&self, instance: &Name, member: &Member) -> Result<(), MemberError> {
        let place = &member.place;
        self.call("ensure", instance, &place.project, |state| {
            let fresh = FakeMember::of(member);
            let is_same = |other: &FakeMember| other.place == fresh.place && other.email == fresh.email;
            let overlaps = |other: &FakeMember| {
                let Place { user, project } = &other.place;
                *user == place.user || *project == place.project || other.email == fresh.email
            };
            let mut there = state.members.iter().filter(|((name, _), _)| name == instance);
            if there.any(|(_, other)| overlaps(other) && !is_same(other)) {
                return Err(MemberError::Taken(place.project.clone()));
            }
            let kept = state.members.entry((*instance, place.project.clone())).or_insert(fresh);
            if kept.damage.contains(&Flaw::Stranger) {
                return Err(MemberError::Taken(place.project.clone()));
            }
            kept.damage.clear();
            kept.limits = member.limits;
            member.token.expose_secret().clone_into(&mut kept.token);
            Ok(())
        })
    }

    async fn check(&self, instance: &Name, expected: &[Expected]) -> Result<Checked, MemberError> {
        let lacking = self.world.databases.database(instance).is_some_and(|database| !database.shared_schema);
        if lacking {
            return Ok(Checked { common_differs: true, flawed: None });
        }
        self.call("check", instance, instance, |state| {
            let mut flaws = |one: &Expected| match state.at(instance, &one.place) {
                Some(member) => member.flaws(one),
                None => NOTHING.to_vec(),
            };
            let checked = expected.iter().map(|one| (one.tenant, flaws(one)));
            let flawed = checked.filter(|(_, flaws)| !flaws.is_empty()).collect();
            Ok(Checked { common_differs: false, flawed: Some(flawed) })
        })
    }

    async fn set_limits(
        &self,
        instance: &Name,
        project: &ProjectId,
        limits: MemberLimits,
    ) -> Result<bool, MemberError> {
        self.call("set_limits", instance, project, |state| {
            Ok(state.member(instance, project).map(|member| member.limits = limits).is_some())
        })
    }

    async fn set_suspended(
        &self,
        instance: &Name,
        project: &ProjectId,
        suspended: bool,
    ) -> Result<bool, MemberError> {
        self.call("set_suspended", instance, project, |state| {
            Ok(state.member(instance, project).map(|member| member.suspended = suspended).is_some())
        })
    }

    async fn set_disabled(
        &self,
        instance: &Name,
        place: &Place,
        disabled: bool,
    ) -> Result<bool, MemberError> {
        self.call("set_disabled", instance, &place.project, |state| {
            Ok(state.at(instance, place).map(|member| member.disabled = disabled).is_some())
        })
    }

    async fn login(&self, instance: &Name, place: &Place) -> Result<OwnerLogin, MemberError> {
        self.call("login", instance, &place.project, |state| {
            let member = state.at(instance, place).ok_or(MemberError::NoMember(place.project.clone()))?;
            Ok(OwnerLogin { email: member.email.clone(), password_hash: member.password_hash.clone() })
        })
    }

    async fn reset_password(
        &self,
        instance: &Name,
        place: &Place,
        password_hash: &str,
        _disable_mfa: bool,
    ) -> Result<(), MemberError> {
        self.call("reset_password", instance, &place.project, |state| {
            let member = state.at(instance, place).ok_or(MemberError::NoMember(place.project.clone()))?;
            password_hash.clone_into(&mut member.password_hash);
            Ok(())
        })
    }

    async fn counts(&self, instance: &Name, project: &ProjectId) -> Result<Counts, MemberError> {
        self.call("counts", instance, project, |state| {
            let counted = state.member(instance, project).map(|member| Counts {
                workflows: member.workflows.len() as u64,
                active_workflows: member.workflows.values().flatten().count() as u64,
                credentials: member.credentials,
                executions: member.running.len() as u64 + member.ended,
            });
            Ok(counted.unwrap_or_default())
        })
    }

    async fn active_workflows(
        &self,
        instance: &Name,
        project: &ProjectId,
    ) -> Result<Vec<ActiveWorkflow>, MemberError> {
        self.call("active_workflows", instance, project, |state| {
            let workflows = state.member(instance, project).map(|member| &member.workflows);
            let active = workflows.into_iter().flatten().filter_map(|(workflow, version)| {
                Some(ActiveWorkflow { workflow: workflow.clone(), version: version.clone()? })
            });
            Ok(active.collect())
        })
    }

    async fn activate(&self, main: &Main, workflows: &[ActiveWorkflow]) -> Result<Vec<Skipped>, MemberError> {
        self.ask("activate", main, main.instance, |state| {
            let set = |one: &ActiveWorkflow| state.set_active(main, &one.workflow, Some(one.version.clone()));
            Ok(workflows.iter().filter_map(set).collect())
        })
    }

    async fn deactivate(&self, main: &Main, workflows: &[WorkflowId]) -> Result<Vec<Skipped>, MemberError> {
        self.ask("deactivate", main, main.instance, |state| {
            Ok(workflows.iter().filter_map(|workflow| state.set_active(main, workflow, None)).collect())
        })
    }

    async fn webhooks(&self, instance: &Name, project: &ProjectId) -> Result<u64, MemberError> {
        self.call("webhooks", instance, project, |state| {
            let member = state.member(instance, project);
            Ok(member.map_or(0, |member| member.workflows.values().flatten().count() as u64))
        })
    }

    async fn running(&self, instance: &Name, project: &ProjectId) -> Result<Vec<ExecutionId>, MemberError> {
        self.call("running", instance, project, |state| {
            let running = state.member(instance, project).map(|member| &member.running);
            Ok(running.into_iter().flatten().copied().collect())
        })
    }

    async fn set_aside(
        &self,
        instance: &Name,
        project: &ProjectId,
    ) -> Result<BTreeSet<ExecutionId>, MemberError> {
        self.call("set_aside", instance, project, |state| {
            let Some(member) = state.member(instance, project) else { return Ok(BTreeSet::new()) };
            let waiting = std::mem::take(&mut member.waiting);
            member.aside.extend(&waiting);
            Ok(member.aside.clone())
        })
    }

    async fn end_aside(&self, instance: &Name, project: &ProjectId) -> Result<(), MemberError> {
        self.call("end_aside", instance, project, |state| {
            if let Some(member) = state.member(instance, project) {
                member.ended += std::mem::take(&mut member.aside).len() as u64;
            }
            Ok(())
        })
    }

    async fn put_back(
        &self,
        instance: &Name,
        project: &ProjectId,
        only: Option<&BTreeSet<ExecutionId>>,
    ) -> Result<u64, MemberError> {
        self.call("put_back", instance, project, |state| {
            let Some(member) = state.member(instance, project) else { return Ok(0) };
            let wanted = |id: &ExecutionId| only.is_none_or(|only| only.contains(id));
            let back: BTreeSet<_> = member.aside.iter().copied().filter(wanted).collect();
            member.aside.retain(|id| !back.contains(id));
            member.waiting.extend(&back);
            Ok(back.len() as u64)
        })
    }

    async fn stop(&self, main: &Main, executions: &[ExecutionId]) -> Result<(), MemberError> {
        self.ask("stop", main, main.instance, |state| {
            for ((name, _), member) in &mut state.members {
                let stopped =
                    executions.iter().filter(|id| *name == main.instance && member.running.remove(id));
                member.ended += stopped.count() as u64;
            }
            Ok(())
        })
    }

    async fn remove(&self, main: &Main, place: &Place) -> Result<(), MemberError> {
        let key = (main.instance, place.project.clone());
        let there = self.world.state().at(&main.instance, place).is_some();
        let remove = |state: &mut State| {
            let found = state.at(&main.instance, place);
            if found.is_some_and(|member| member.workflows.values().any(Option::is_some)) {
                return Err(MemberError::StillActive(place.project.clone()));
            }
            state.members.remove(&key);
            Ok(())
        };
        // n8n is not asked for whom it has not.
        if there {
            self.ask("remove", main, &place.project, remove)
        } else {
            self.call("remove", &main.instance, &place.project, remove)
        }
    }

    async fn left(&self, instance: &Name, place: &Place) -> Result<Vec<Leftover>, MemberError> {
        self.call("left", instance, &place.project, |state| {
            let rows = u64::from(state.at(instance, place).is_some());
            Ok(if rows == 0 { vec![] } else { vec![Leftover { table: "user".into(), rows }] })
        })
    }

    async fn forget(&self, instance: &Name, project: &ProjectId) -> Result<(), MemberError> {
        self.call("forget", instance, project, |state| {
            state.started.remove(&(*instance, project.clone()));
            Ok(())
        })
    }

    async fn usage(&self, instance: &Name, project: &ProjectId) -> Result<Usage, MemberError> {
        self.call("usage", instance, project, |state| {
            Ok(state.started.get(&(*instance, project.clone())).cloned().unwrap_or_default())
        })
    }
}

impl State {
    fn set_active(&mut self, main: &Main, workflow: &WorkflowId, version: Option<String>) -> Option<Skipped> {
        let Some(owner) = self.owner(&main.instance, workflow) else {
            let reason = "there is no such workflow".to_owned();
            return Some(Skipped { workflow: workflow.clone(), gone: true, reason });
        };
        let step = owner.steps.get(workflow).and_then(|step| owner.workflows.get(step));
        if version.is_some() && step == Some(&None) {
            let reason = "it runs a workflow that is not active".to_owned();
            return Some(Skipped { workflow: workflow.clone(), gone: false, reason });
        }
        owner.workflows.insert(workflow.clone(), version);
        None
    }
}
