use domain::csr::KeyKind;
use num_bigint::BigUint;

use super::*;

fn key(modulus: &BigUint, exponent: u32) -> PublicKey {
    let spki = spki::write_rsa(&modulus.to_bytes_be(), &exponent.to_be_bytes()).unwrap();
    PublicKey { kind: KeyKind::Rsa(2_048), spki_sha256: spki::sha256(&spki), spki }
}

fn is_prime(n: &BigUint) -> bool {
    let one = BigUint::from(1_u8);
    let less = n - &one;
    [2_u8, 3, 5, 7].iter().all(|base| BigUint::from(*base).modpow(&less, n) == one)
}

fn next_prime(mut n: BigUint) -> BigUint {
    n.set_bit(0, true);
    while !is_prime(&n) {
        n += 2_u8;
    }
    n
}

/// A number of 512 bits made from a seed; tests need no better chance.
fn number(seed: u8) -> BigUint {
    let bytes: Vec<u8> = (0..2_u8).flat_map(|i| spki::sha256(&[seed, i])).collect();
    let mut n = BigUint::from_bytes_be(&bytes);
    n.set_bit(511, true);
    n
}

fn verdict(modulus: &BigUint, exponent: u32) -> Result<(), WeakKey> {
    WeakKeys::without_lists().check(&key(modulus, exponent))
}

#[test]
fn ordinary_keys_pass() {
    for seed in 0..3 {
        let n = next_prime(number(seed)) * next_prime(number(seed + 100));
        assert_eq!(verdict(&n, 65_537), Ok(()));
        assert_eq!(verdict(&n, 3), Ok(()));
        assert_eq!(verdict(&n, 1), Err(WeakKey::Exponent));
        assert_eq!(verdict(&n, 65_536), Err(WeakKey::Exponent));
        assert_eq!(verdict(&(n * 2_u8), 65_537), Err(WeakKey::EvenModulus));
    }
}

#[test]
fn close_primes_are_found() {
    let p = next_prime(number(1));
    let q = next_prime(&p + 1_000_u32);
    assert_eq!(verdict(&(&p * &q), 65_537), Err(WeakKey::ClosePrimes));
    assert_eq!(verdict(&(&p * &p), 65_537), Err(WeakKey::ClosePrimes));
}

#[test]
fn moduli_of_one_prime_are_found() {
    let verdict = |modulus: &BigUint| WeakKeys::check_factors(&key(modulus, 65_537));
    let p = next_prime(number(1));
    for power in 1..4 {
        assert_eq!(verdict(&p.pow(power)), Err(WeakKey::OnePrime), "{power}");
    }
    assert_eq!(verdict(&(&p * next_prime(number(101)))), Ok(()));
}

#[test]
fn small_factors_are_found() {
    for small in [3_u32, 751, 130_989 + 32] {
        let small = next_prime(BigUint::from(small));
        let n = next_prime(number(2)) * small;
        assert_eq!(verdict(&n, 65_537), Err(WeakKey::SmallFactor));
    }
}

#[test]
fn primes_of_the_faulty_generator_are_found() {
    let m: BigUint =
        (2..168_u32).filter(|n| (2..*n).all(|d| n % d != 0)).map(BigUint::from).product();
    let faulty = |start: u32, power: u32| {
        let rest = BigUint::from(65_537_u32).modpow(&BigUint::from(power), &m);
        (start..).map(|k| (&m << 280) * 1_u8 + &m * k + &rest).find(is_prime).unwrap()
    };
    let n = faulty(1, 12_345) * faulty(77, 54_321);
    assert_eq!(verdict(&n, 65_537), Err(WeakKey::Roca));
}

#[test]
fn lists_are_searched() {
    let n = next_prime(number(5)) * next_prime(number(6));
    let key = key(&n, 65_537);
    let mut weak = WeakKeys::without_lists();
    weak.add_spki_list(&format!("# reported\n{}\n", hex::encode(key.spki_sha256))).unwrap();
    assert_eq!(weak.check(&key), Err(WeakKey::Compromised));
    assert_eq!(weak.add_spki_list("\nxyz"), Err(ListError::Line(2)));

    let mut weak = WeakKeys::without_lists();
    let mut block = spki::sha256(&n.to_bytes_be())[..15].to_vec();
    block.push(1);
    let other = [&[0xff; 15][..], &[1]].concat();
    weak.add_blocks(&[other, block].concat()).unwrap();
    assert_eq!(weak.check(&key), Err(WeakKey::Listed));
    assert_eq!(weak.add_blocks(&[1, 2, 3]), Err(ListError::Blocks));
}
