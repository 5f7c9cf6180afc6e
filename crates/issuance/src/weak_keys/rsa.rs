//! What arithmetic tells about an RSA modulus.

use num_bigint::BigUint;
use num_integer::Integer;
use num_traits::{One, ToPrimitive};

use super::WeakKey;

/// Small factors are sought up to here.
const SIEVE: usize = 131_072;
/// Fermat's rounds that BR 6.1.1.3 asks for.
const ROUNDS: u32 = 100;
/// The primes below this one carry the mark of CVE-2017-15361.
const ROCA_PRIMES: usize = 168;

pub(super) struct Tables {
    primorial: BigUint,
    /// For each prime, which remainders are powers of 65537.
    roca: Vec<(u64, Vec<bool>)>,
    /// Which remainders modulo 720720 a square can have.
    squares: Vec<bool>,
}

/// 2^4 · 3^2 · 5 · 7 · 11 · 13: one number in 75 is a square modulo it.
const SQUARE_MODULUS: u32 = 720_720;

impl Tables {
    pub(super) fn new() -> Self {
        let primes = primes();
        let mut squares = vec![false; SQUARE_MODULUS as usize];
        for root in 0..u64::from(SQUARE_MODULUS) {
            squares[(root * root % u64::from(SQUARE_MODULUS)) as usize] = true;
        }
        let roca = primes.iter().skip(1).take_while(|p| **p < ROCA_PRIMES).map(|p| powers(*p));
        Self { roca: roca.collect(), primorial: product(&primes[1..]), squares }
    }

    pub(super) fn check(&self, modulus: &[u8], exponent: &[u8]) -> Result<(), WeakKey> {
        let even = |number: &[u8]| number.last().is_none_or(|b| b % 2 == 0);
        if even(exponent) || exponent == [1] || exponent.len() > 32 {
            return Err(WeakKey::Exponent);
        }
        if even(modulus) {
            return Err(WeakKey::EvenModulus);
        }
        let n = BigUint::from_bytes_be(modulus);
        if !(&self.primorial % &n).gcd(&n).is_one() {
            return Err(WeakKey::SmallFactor);
        }
        if self.is_roca(&n) {
            return Err(WeakKey::Roca);
        }
        if self.has_close_primes(&n) { Err(WeakKey::ClosePrimes) } else { Ok(()) }
    }

    /// True when N is a power of 65537 modulo every small prime.
    fn is_roca(&self, n: &BigUint) -> bool {
        self.roca.iter().all(|(prime, power)| {
            let rest = (n % *prime).to_usize().unwrap_or_default();
            power.get(rest).copied().unwrap_or_default()
        })
    }

    /// Fermat's method: a² - N is a square for some a just above the root of N. The candidates are stepped through by
    /// their remainders; only the few that could be squares are computed.
    fn has_close_primes(&self, n: &BigUint) -> bool {
        let mut start = n.sqrt();
        if &start * &start < *n {
            start += 1_u8;
        }
        let modulus = u64::from(SQUARE_MODULUS);
        let rest = |x: &BigUint| (x % modulus).to_u64().unwrap_or_default();
        let (a0, n0) = (rest(&start), rest(n));
        (0..ROUNDS).any(|round| {
            let a = (a0 + u64::from(round)) % modulus;
            let difference = (a * a + modulus - n0) % modulus;
            if !self.squares[usize::try_from(difference).unwrap_or_default()] {
                return false;
            }
            let a = &start + round;
            let square = &a * &a - n;
            let root = square.sqrt();
            &root * &root == square
        })
    }
}

/// True when N is a prime or a power of one, by Fermat's little theorem: 2^N is 2 modulo that prime. Of a product of
/// different primes no key of honest making shows it. Takes milliseconds, with the cube of the length.
pub(super) fn has_one_prime(modulus: &[u8]) -> bool {
    let n = BigUint::from_bytes_be(modulus);
    let two = BigUint::from(2_u8);
    let power = two.modpow(&n, &n);
    !(&n + power - two).gcd(&n).is_one()
}

fn primes() -> Vec<usize> {
    let mut composite = vec![false; SIEVE];
    let mut primes = Vec::new();
    for candidate in 2..SIEVE {
        if !composite[candidate] {
            primes.push(candidate);
            (candidate * candidate..SIEVE).step_by(candidate).for_each(|m| composite[m] = true);
        }
    }
    primes
}

fn product(numbers: &[usize]) -> BigUint {
    match numbers {
        [] => BigUint::one(),
        [one] => BigUint::from(*one),
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            product(left) * product(right)
        }
    }
}

fn powers(prime: usize) -> (u64, Vec<bool>) {
    let mut seen = vec![false; prime];
    let mut power = 1;
    while !seen[power] {
        seen[power] = true;
        power = power * 65_537 % prime;
    }
    (prime as u64, seen)
}
