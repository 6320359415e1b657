//! How n8n sends mail: resets of passwords, invitations, failures of workflows.

use super::{Pairs, Secret};

/// A mail server, the same for every tenant. Its password is [`Secret::SmtpPassword`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub host: String,
    pub port: u16,
    /// Who signs in there; `None`: nobody has to.
    pub user: Option<String>,
    /// Whom mails are from, such as `Flows <flows@example.com>`.
    pub sender: String,
    pub tls: MailTls,
}

/// How the connection to a mail server is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// From the first byte on.
    Implicit,
    /// Once the server has said that it can.
    StartTls,
    Off,
}

/// Adds what n8n reads of it. Without a server n8n sends none, and says so where a mail would be needed.
pub(super) fn extend(mail: Option<&Mail>, pairs: &mut Pairs, secrets: &mut Vec<Secret>) {
    let Some(mail) = mail else { return };
    pairs.extend([
        ("N8N_EMAIL_MODE", "smtp".to_owned()),
        ("N8N_SMTP_HOST", mail.host.clone()),
        ("N8N_SMTP_PORT", mail.port.to_string()),
        ("N8N_SMTP_SENDER", mail.sender.clone()),
        ("N8N_SMTP_SSL", (mail.tls == MailTls::Implicit).to_string()),
        ("N8N_SMTP_STARTTLS", (mail.tls == MailTls::StartTls).to_string()),
    ]);
    if let Some(user) = &mail.user {
        pairs.push(("N8N_SMTP_USER", user.clone()));
        secrets.push(Secret::SmtpPassword);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(mail: Option<&Mail>) -> (Vec<String>, Vec<Secret>) {
        let (mut pairs, mut secrets) = (Pairs::new(), Vec::new());
        extend(mail, &mut pairs, &mut secrets);
        (pairs.iter().map(|(name, value)| format!("{name}={value}")).collect(), secrets)
    }

    #[test]
    fn a_mail_server_is_told_with_its_password_as_a_file() {
        let mail = Mail {
            host: "mail.example.com".into(),
            port: 587,
            user: Some("flows".into()),
            sender: "Flows <flows@example.com>".into(),
            tls: MailTls::StartTls,
        };
        let (pairs, secrets) = told(Some(&mail));
        for pair in
            ["N8N_EMAIL_MODE=smtp", "N8N_SMTP_SSL=false", "N8N_SMTP_STARTTLS=true", "N8N_SMTP_USER=flows"]
        {
            assert!(pairs.iter().any(|told| told == pair), "{pair}: {pairs:?}");
        }
        assert_eq!(secrets, [Secret::SmtpPassword]);

        let open = Mail { user: None, tls: MailTls::Implicit, ..mail };
        let (pairs, secrets) = told(Some(&open));
        assert!(pairs.contains(&"N8N_SMTP_SSL=true".to_owned()) && secrets.is_empty());
        assert_eq!(told(None), (vec![], vec![]));
    }
}
