//! The mail server that tenants' n8n sends through.

use std::str::FromStr;

use common::config::{Env, Section};
use n8n::launch::{Mail, MailTls};
use secrecy::SecretString;

/// The port for mail that clients hand in (RFC 6409).
const SUBMISSION: u16 = 587;

/// A mail server and the password it is signed in to with.
#[derive(Debug, Clone)]
pub struct Mailer {
    pub mail: Mail,
    pub password: Option<SecretString>,
}

/// `None`: tenants' n8n sends no mail.
pub struct OptionalMailer(pub Option<Mailer>);

struct Tls(MailTls);

impl FromStr for Tls {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "implicit" => Ok(Self(MailTls::Implicit)),
            "starttls" => Ok(Self(MailTls::StartTls)),
            "off" => Ok(Self(MailTls::Off)),
            _ => Err("must be `starttls`, `implicit` or `off`"),
        }
    }
}

impl Section for OptionalMailer {
    fn read(env: &mut Env) -> Option<Self> {
        let Some(host) = env.optional::<String>("TENANT_SMTP_HOST")? else { return Some(Self(None)) };
        let (port, tls) =
            (env.or("TENANT_SMTP_PORT", SUBMISSION), env.or("TENANT_SMTP_TLS", Tls(MailTls::StartTls)));
        let (sender, user) = (env.required("TENANT_SMTP_SENDER"), env.optional("TENANT_SMTP_USER"));
        let password = env.optional_secret("TENANT_SMTP_PASSWORD");
        let (port, Tls(tls), sender, user, password) = (port?, tls?, sender?, user?, password?);
        if user.is_some() != password.is_some() {
            return env.problem("TENANT_SMTP_USER and TENANT_SMTP_PASSWORD belong together".into());
        }
        Some(Self(Some(Mailer { mail: Mail { host, port, user, sender, tls }, password })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Mailer>, String> {
        let read = Env::of(variables.iter().copied()).load::<OptionalMailer>();
        read.map(|OptionalMailer(mailer)| mailer).map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_host_there_is_none_and_with_one_it_is_whole() {
        assert!(read(&[]).unwrap().is_none());
        let (host, sender) = (("TENANT_SMTP_HOST", "mail"), ("TENANT_SMTP_SENDER", "a@b.example"));
        let mailer = read(&[host, sender]).unwrap().unwrap();
        assert_eq!((mailer.mail.port, mailer.mail.tls), (587, MailTls::StartTls));
        let (user, password) = (("TENANT_SMTP_USER", "u"), ("TENANT_SMTP_PASSWORD", "p"));
        assert!(read(&[host, sender, user, password]).unwrap().unwrap().password.is_some());
        for (wrong, name) in [
            (&[host][..], "TENANT_SMTP_SENDER"),
            (&[host, sender, user], "TENANT_SMTP_PASSWORD"),
            (&[host, sender, password], "TENANT_SMTP_USER"),
            (&[host, sender, ("TENANT_SMTP_TLS", "ssl")], "TENANT_SMTP_TLS"),
        ] {
            let problem = read(wrong).unwrap_err();
            assert!(problem.contains(name), "{problem}");
        }
    }
}
