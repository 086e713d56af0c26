//! The memory that passwords are hashed in, kept from one to the next: asking the system for 19 MiB
//! and giving them back costs half as much again as the hash.

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};

use super::broken;
use crate::fault::Fault;

/// OWASP's parameters: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OUTPUT_BYTES: usize = 32;

/// The memory of one thread; empty until it is needed.
#[derive(Default)]
pub(super) struct Memory {
    blocks: Vec<Block>,
    /// How often it was filled since somebody asked.
    fills: u64,
}

impl Memory {
    /// Whether it holds anything.
    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// How many passwords were hashed in it since this was asked last.
    pub(super) fn take_fills(&mut self) -> u64 {
        std::mem::take(&mut self.fills)
    }

    /// The PHC string of a password.
    pub(super) fn hash(&mut self, password: &[u8], salt: &[u8]) -> Result<String, Fault> {
        let params = params()?;
        let mut output = [0; OUTPUT_BYTES];
        self.fill(&argon2(params.clone()), (password, salt), &mut output)?;
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).map_err(broken)?,
            salt: Some(Salt::new(salt).map_err(broken)?),
            hash: Some(Output::new(&output).map_err(broken)?),
        };
        Ok(hash.to_string())
    }

    /// Whether a password is the one of this PHC string, at that string's own parameters.
    pub(super) fn matches(&mut self, password: &[u8], phc: &str) -> Result<bool, Fault> {
        let stored = PasswordHash::new(phc).ok();
        // a PHC string may lack its hash: that is damage, not another password
        let Some((stored, salt, expected)) =
            stored.and_then(|stored| Some((stored.clone(), stored.salt?, stored.hash?)))
        else {
            return Err(broken("a stored password hash is not a complete PHC string"));
        };
        let algorithm = Algorithm::try_from(stored.algorithm.as_str()).map_err(broken)?;
        let version = stored.version.map(Version::try_from).transpose().map_err(broken)?;
        let params = Params::try_from(&stored).map_err(broken)?;
        let argon2 = Argon2::new(algorithm, version.unwrap_or_default(), params);
        let mut output = vec![0; expected.as_bytes().len()];
        self.fill(&argon2, (password, salt.as_ref()), &mut output)?;
        // in constant time
        Ok(Output::new(&output).map_err(broken)? == expected)
    }

    /// The work of [`Memory::matches`] for a user who does not exist.
    pub(super) fn matches_nobody(&mut self, password: &[u8]) -> Result<bool, Fault> {
        self.fill(&argon2(params()?), (password, &[0; 16]), &mut [0; OUTPUT_BYTES])?;
        Ok(false)
    }

    fn fill(
        &mut self,
        argon2: &Argon2<'_>,
        (password, salt): (&[u8], &[u8]),
        output: &mut [u8],
    ) -> Result<(), Fault> {
        self.fills += 1;
        let blocks = argon2.params().block_count();
        if blocks > params()?.block_count() {
            // imported from where they could spare more: not to be kept for what comes next
            let mut once = vec![Block::default(); blocks];
            return argon2
                .hash_password_into_with_memory(password, salt, output, &mut once)
                .map_err(broken);
        }
        self.blocks.resize(blocks.max(self.blocks.len()), Block::default());
        let blocks = &mut self.blocks;
        argon2.hash_password_into_with_memory(password, salt, output, blocks).map_err(broken)
    }
}

fn params() -> Result<Params, Fault> {
    Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(broken)
}

fn argon2(params: Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher, PasswordVerifier};

    use super::*;

    const SALT: [u8; 16] = [7; 16];

    #[test]
    fn what_is_hashed_in_used_memory_is_what_the_crate_itself_says() {
        let mut memory = Memory::default();
        for password in ["one", "two", ""] {
            let ours = memory.hash(password.as_bytes(), &SALT).unwrap();

            let theirs = argon2(params().unwrap())
                .hash_password_with_salt(password.as_bytes(), &SALT)
                .unwrap()
                .to_string();
            assert_eq!(ours, theirs);
            assert!(memory.matches(password.as_bytes(), &theirs).unwrap());
            assert!(!memory.matches(b"three", &theirs).unwrap());
        }
    }

    #[test]
    fn nobody_takes_as_much_as_somebody() {
        let (mut somebodys, mut nobodys) = (Memory::default(), Memory::default());
        let phc = somebodys.hash(b"a password", &SALT).unwrap();
        assert!(somebodys.matches(b"a password", &phc).unwrap());

        assert!(!nobodys.matches_nobody(b"a password").unwrap());

        assert_eq!((somebodys.take_fills(), nobodys.take_fills()), (2, 1));
        assert_eq!(nobodys.blocks.len(), somebodys.blocks.len());
        assert!(nobodys.matches(b"a password", "no hash").is_err());
        assert_eq!(nobodys.take_fills(), 0);
    }

    #[test]
    fn a_hash_with_parameters_of_its_own_is_looked_at_with_these() {
        let mut memory = Memory::default();
        memory.hash(b"something before", &SALT).unwrap();
        // fewer and more blocks than are kept, other versions and algorithms, another length
        for (algorithm, version, (memory_kib, passes, lanes, bytes)) in [
            (Algorithm::Argon2id, Version::V0x13, (8, 1, 1, 32)),
            (Algorithm::Argon2i, Version::V0x10, (64, 3, 2, 32)),
            (Algorithm::Argon2d, Version::V0x13, (1024, 1, 4, 24)),
            (Algorithm::Argon2id, Version::V0x13, (32 * 1024, 1, 1, 64)),
        ] {
            let params = Params::new(memory_kib, passes, lanes, Some(bytes)).unwrap();
            let theirs = Argon2::new(algorithm, version, params);
            let phc = theirs.hash_password_with_salt(b"a password", &SALT).unwrap();
            assert!(theirs.verify_password(b"a password", &phc).is_ok());

            let phc = phc.to_string();
            assert!(memory.matches(b"a password", &phc).unwrap(), "{phc}");
            assert!(!memory.matches(b"another", &phc).unwrap(), "{phc}");
        }
        assert_eq!(memory.blocks.len(), params().unwrap().block_count());
    }
}
