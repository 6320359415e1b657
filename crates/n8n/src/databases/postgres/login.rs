//! The platform's own login on the tenants' server, and those that follow from it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use sqlx::postgres::PgConnectOptions;
use url::Url;

use super::{AdminUrlError, DatabaseError, Name, options};

/// What a keeper's password is made for, and in which way: another way is another number.
const LABEL: &str = "rp9 keeper 1:";

/// How the server is entered as the platform.
pub(super) struct Login {
    pub(super) options: PgConnectOptions,
    /// None for a server that lets it in by something else.
    password: Option<SecretString>,
}

/// How a tenant's databases are entered: whatever runs there because of what the tenant made of them runs as this, which may do what the tenant
/// may, and what the platform lets it do to its own schema there.
pub(crate) struct Keeper {
    pub(crate) role: String,
    pub(crate) password: SecretString,
}

impl Login {
    pub(super) fn read(admin_url: &str) -> Result<Self, AdminUrlError> {
        Ok(Self { options: options(admin_url)?, password: password(admin_url) })
    }

    /// Follows from the platform's password, so that every service knows it and none has to be told: with another one it is another.
    pub(super) fn keeper(&self, name: &Name) -> Result<Keeper, DatabaseError> {
        let key = self.password.as_ref().ok_or(DatabaseError::NoPassword)?;
        let role = name.keeper();
        // A key of any length is one.
        let keyed = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes());
        let keyed = keyed.map_err(|_| DatabaseError::NoPassword)?;
        let digest = keyed.chain_update(LABEL).chain_update(&role).finalize().into_bytes();
        Ok(Keeper { role, password: hex::encode(digest).into() })
    }
}

fn password(admin_url: &str) -> Option<SecretString> {
    let url: Url = admin_url.parse().ok()?;
    let password = percent_decode_str(url.password()?).decode_utf8().ok()?;
    (!password.is_empty()).then(|| password.into_owned().into())
}

#[cfg(test)]
mod tests {
    use common::id::TenantId;

    use super::*;

    fn password_of(url: &str, name: &Name) -> String {
        let keeper = Login::read(url).unwrap().keeper(name).unwrap();
        assert_eq!(keeper.role, name.keeper());
        keeper.password.expose_secret().to_owned()
    }

    #[test]
    fn a_keepers_password_is_its_own_and_follows_from_the_platforms() {
        let [one, other] = [(); 2].map(|()| Name::of(TenantId::generate()));
        let first = password_of("postgres://rp9:se%2Fcret@a:5432/postgres", &one);
        assert_eq!(first.len(), 64);
        assert!(first.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(password_of("postgres://rp9_b:se%2fcret@b/rp9?sslmode=require", &one), first);
        assert_ne!(password_of("postgres://rp9:se%2Fcret@a:5432/postgres", &other), first);
        assert_ne!(password_of("postgres://rp9:secret@a:5432/postgres", &one), first);
    }

    #[test]
    fn nobodys_follows_from_no_password() {
        for url in ["postgres://rp9@a/postgres", "postgres://rp9:@a/postgres", "postgres://a/postgres"] {
            let keeper = Login::read(url).unwrap().keeper(&Name::of(TenantId::generate()));
            assert!(matches!(keeper, Err(DatabaseError::NoPassword)), "{url}");
        }
    }

    /// Written down, because it is what installations have.
    #[test]
    fn the_way_it_follows_stays() {
        let name: Name = "ten_0193e4a1b2c37d4e8f90a1b2c3d4e5f6".parse().unwrap();
        let url = "postgres://rp9_tenants:rp9@127.0.0.1:5432/postgres";
        assert_eq!(
            password_of(url, &name),
            "d698be5bf3ebd4a66616842bd82f96b0bde1c2a913d81618afd5463aa6e62284"
        );
    }
}
