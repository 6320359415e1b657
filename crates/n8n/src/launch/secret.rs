//! The secrets an instance is started with.

use secrecy::SecretString;

/// Which secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Secret {
    /// Encrypts the credentials in the database. Losing it loses them.
    EncryptionKey,
    /// Signs sessions and API keys.
    JwtSecret,
    DatabasePassword,
    RedisPassword,
    /// The mail server's, the same for every tenant.
    SmtpPassword,
}

impl Secret {
    /// The variable n8n would read the secret itself from.
    pub(super) const fn variable(self) -> &'static str {
        match self {
            Self::EncryptionKey => "N8N_ENCRYPTION_KEY_FILE",
            Self::JwtSecret => "N8N_USER_MANAGEMENT_JWT_SECRET_FILE",
            Self::DatabasePassword => "DB_POSTGRESDB_PASSWORD_FILE",
            Self::RedisPassword => "QUEUE_BULL_REDIS_PASSWORD_FILE",
            Self::SmtpPassword => "N8N_SMTP_PASS_FILE",
        }
    }

    /// The name of the file under `/run/secrets`.
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::EncryptionKey => "encryption_key",
            Self::JwtSecret => "jwt_secret",
            Self::DatabasePassword => "database_password",
            Self::RedisPassword => "redis_password",
            Self::SmtpPassword => "smtp_password",
        }
    }
}

/// The secrets of one instance.
#[derive(Debug, Clone)]
pub struct Secrets {
    pub encryption_key: SecretString,
    pub jwt_secret: SecretString,
    pub database_password: SecretString,
    pub redis_password: SecretString,
    /// Empty where no mail server asks for one.
    pub smtp_password: SecretString,
}

impl Secrets {
    /// This one of them.
    pub const fn get(&self, secret: Secret) -> &SecretString {
        match secret {
            Secret::EncryptionKey => &self.encryption_key,
            Secret::JwtSecret => &self.jwt_secret,
            Secret::DatabasePassword => &self.database_password,
            Secret::RedisPassword => &self.redis_password,
            Secret::SmtpPassword => &self.smtp_password,
        }
    }
}
