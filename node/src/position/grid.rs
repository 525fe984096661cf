//! The National Grid of Great Britain, and where its squares are on the globe.
//!
//! After "A guide to coordinate systems in Great Britain" (Ordnance Survey, version 3.6): its annexe C.2 turns
//! eastings and northings into a latitude and longitude, its sections B.1 and B.2 with the figures of section 6.6
//! turn those of 1936 into those of WGS 84, to about 5 metres.

use super::Position;

/// An ellipsoid: half its longer and half its shorter axis, in metres.
struct Ellipsoid {
    a: f64,
    b: f64,
}

impl Ellipsoid {
    /// The square of its eccentricity.
    fn e2(&self) -> f64 {
        1.0 - (self.b * self.b) / (self.a * self.a)
    }

    /// The radius of curvature across the meridian at a latitude.
    fn nu(&self, latitude: f64) -> f64 {
        self.a / (1.0 - self.e2() * latitude.sin().powi(2)).sqrt()
    }
}

const AIRY_1830: Ellipsoid = Ellipsoid { a: 6_377_563.396, b: 6_356_256.909 };
const WGS_84: Ellipsoid = Ellipsoid { a: 6_378_137.0, b: 6_356_752.314_2 };

/// The grid's scale on its middle meridian.
const SCALE: f64 = 0.999_601_271_7;
/// The grid's true origin, in degrees, and what it is called, in metres.
const ORIGIN: (f64, f64) = (49.0, -2.0);
const ORIGIN_IS: (f64, f64) = (400_000.0, -100_000.0);

/// How far the grid reaches, in metres.
const WIDTH: u32 = 700_000;
const HEIGHT: u32 = 1_300_000;

/// "541250 310750", an easting and a northing, with which words end.
pub(super) fn metres(words: &[&str]) -> Option<Position> {
    let [.., east, north] = words else { return None };
    let number = |word: &str, digits: std::ops::RangeInclusive<usize>| -> Option<u32> {
        let is_one = digits.contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
        if is_one { word.parse().ok() } else { None }
    };
    // Fewer digits could be anything.
    let (east, north) = (number(east, 6..=6)?, number(north, 6..=7)?);
    (east < WIDTH && north < HEIGHT).then(|| position(f64::from(east), f64::from(north)))?
}

/// "TF 412 107" or "TF412107", with which words end: the middle of the square that it names.
pub(super) fn reference(words: &[&str]) -> Option<Position> {
    let [.., before, last] = words else { return glued(words.last()?, "") };
    match words {
        [.., letters, east, north] if letters.len() == 2 && east.len() == north.len() => {
            square(letters, east, north)
        }
        // "TF412 107", "TF 412107" and "TF412107".
        _ => glued(before, last).or_else(|| glued(last, "")),
    }
}

fn glued(first: &str, second: &str) -> Option<Position> {
    let whole = format!("{first}{second}");
    let (letters, digits) = whole.split_at_checked(2)?;
    let (east, north) = digits.split_at_checked(digits.len() / 2)?;
    square(letters, east, north)
}

fn square(letters: &str, east: &str, north: &str) -> Option<Position> {
    let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if east.len() != north.len() || !is_number(east) || !is_number(north) {
        return None;
    }
    // From a kilometre down to a metre.
    let size = match east.len() {
        digits @ 2..=5 => 10_u32.pow(u32::try_from(5 - digits).ok()?),
        _ => return None,
    };
    let (corner_east, corner_north) = corner(letters)?;
    let within = |part: &str| Some(f64::from(part.parse::<u32>().ok()? * size));
    let half = f64::from(size) / 2.0;
    position(
        f64::from(corner_east) + within(east)? + half,
        f64::from(corner_north) + within(north)? + half,
    )
}

/// The south-western corner of the square of 100 km that two letters name: the first letter names one of 500 km,
/// both in rows of five from the north-west, without I.
fn corner(letters: &str) -> Option<(u32, u32)> {
    let place = |letter: &u8| match letter.to_ascii_uppercase() {
        letter @ b'A'..=b'H' => Some(i64::from(letter - b'A')),
        letter @ b'J'..=b'Z' => Some(i64::from(letter - b'A') - 1),
        _ => None,
    };
    let [large, small] = letters.as_bytes() else { return None };
    let (large, small) = (place(large)?, place(small)?);
    // The square SV, whose corner is the grid's, is two to the east of A and four rows above Z's.
    let east = (large % 5 - 2) * 5 + small % 5;
    let north = (3 - large / 5) * 5 + 4 - small / 5;
    let (east, north) = (u32::try_from(east).ok()?, u32::try_from(north).ok()?);
    let (east, north) = (east * 100_000, north * 100_000);
    (east < WIDTH && north < HEIGHT).then_some((east, north))
}

/// Where an easting and a northing are.
fn position(east: f64, north: f64) -> Option<Position> {
    let (latitude, longitude) = of_1936(east, north);
    let (latitude, longitude) = to_wgs_84(latitude, longitude);
    Position::new(latitude.to_degrees(), longitude.to_degrees())
}

/// Latitude and longitude on the ellipsoid of 1830, in radians (annexe C.2; its names are kept).
fn of_1936(east: f64, north: f64) -> (f64, f64) {
    let Ellipsoid { a, b } = AIRY_1830;
    let (phi0, lambda0) = (ORIGIN.0.to_radians(), ORIGIN.1.to_radians());
    let (e0, n0) = ORIGIN_IS;
    let n = (a - b) / (a + b);
    let meridian = |phi: f64| {
        let (less, more) = (phi - phi0, phi + phi0);
        b * SCALE
            * ((1.0 + n + 1.25 * n.powi(2) + 1.25 * n.powi(3)) * less
                - (3.0 * n + 3.0 * n.powi(2) + 2.625 * n.powi(3)) * less.sin() * more.cos()
                + (1.875 * n.powi(2) + 1.875 * n.powi(3)) * (2.0 * less).sin() * (2.0 * more).cos()
                - 35.0 / 24.0 * n.powi(3) * (3.0 * less).sin() * (3.0 * more).cos())
    };
    let mut phi = phi0;
    // Each turn leaves less than a hundredth of the distance; six make it less than a millimetre.
    for _ in 0..6 {
        phi += (north - n0 - meridian(phi)) / (a * SCALE);
    }
    let nu = SCALE * AIRY_1830.nu(phi);
    let rho = nu * (1.0 - AIRY_1830.e2()) / (1.0 - AIRY_1830.e2() * phi.sin().powi(2));
    let eta2 = nu / rho - 1.0;
    let (t, sec) = (phi.tan(), phi.cos().recip());
    let vii = t / (2.0 * rho * nu);
    let viii =
        t / (24.0 * rho * nu.powi(3)) * (5.0 + 3.0 * t.powi(2) + eta2 - 9.0 * t.powi(2) * eta2);
    let ix = t / (720.0 * rho * nu.powi(5)) * (61.0 + 90.0 * t.powi(2) + 45.0 * t.powi(4));
    let x = sec / nu;
    let xi = sec / (6.0 * nu.powi(3)) * (nu / rho + 2.0 * t.powi(2));
    let xii = sec / (120.0 * nu.powi(5)) * (5.0 + 28.0 * t.powi(2) + 24.0 * t.powi(4));
    let d = east - e0;
    (
        phi - vii * d.powi(2) + viii * d.powi(4) - ix * d.powi(6),
        lambda0 + x * d - xi * d.powi(3) + xii * d.powi(5),
    )
}

/// Turns a latitude and longitude of 1936 into those of WGS 84, in radians (annexe B, and the figures of section
/// 6.6 with their signs turned round).
fn to_wgs_84(phi: f64, lambda: f64) -> (f64, f64) {
    let nu = AIRY_1830.nu(phi);
    let (x, y, z) = (
        nu * phi.cos() * lambda.cos(),
        nu * phi.cos() * lambda.sin(),
        nu * (1.0 - AIRY_1830.e2()) * phi.sin(),
    );
    let seconds = |angle: f64| (angle / 3_600.0).to_radians();
    let (rx, ry, rz) = (seconds(0.150_2), seconds(0.247_0), seconds(0.842_1));
    let scale = 1.0 - 20.489_4e-6;
    let (x, y, z) = (
        446.448 + scale * x - rz * y + ry * z,
        -125.157 + rz * x + scale * y - rx * z,
        542.060 - ry * x + rx * y + scale * z,
    );
    let p = x.hypot(y);
    let mut latitude = z.atan2(p * (1.0 - WGS_84.e2()));
    // Each turn brings it closer by the square of the eccentricity, a 150th.
    for _ in 0..5 {
        latitude = (z + WGS_84.e2() * WGS_84.nu(latitude) * latitude.sin()).atan2(p);
    }
    (latitude, y.atan2(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guides_own_example_comes_out_as_it_says() {
        // Annexe C: Caister water tower, 52° 39′ 27.2531″ N 1° 43′ 4.5177″ E on the ellipsoid of 1830.
        let (latitude, longitude) = of_1936(651_409.903, 313_177.270);
        let north = 52.0 + 39.0 / 60.0 + 27.2531 / 3_600.0;
        let east = 1.0 + 43.0 / 60.0 + 4.5177 / 3_600.0;
        assert!((latitude.to_degrees() - north).abs() < 1e-7, "{}", latitude.to_degrees());
        assert!((longitude.to_degrees() - east).abs() < 1e-7, "{}", longitude.to_degrees());
    }

    #[test]
    fn references_are_where_they_are_on_the_globe() {
        // The tower again, and the Royal Observatory at Greenwich; 0.0001 of a degree is 11 metres.
        for (text, north, east) in [
            ("Caister, TG 51409 13177", 52.657_98, 1.716_05),
            ("tg5140913177", 52.657_98, 1.716_05),
            ("Caister, 651409 313177", 52.657_98, 1.716_05),
            ("Greenwich TQ 38880 77320", 51.477_8, -0.001_5),
        ] {
            let at = Position::at_end_of(text).unwrap_or_else(|| panic!("{text}"));
            assert!((at.latitude() - north).abs() < 1.5e-4, "{text}: {at:?}");
            assert!((at.longitude() - east).abs() < 1.5e-4, "{text}: {at:?}");
        }
    }

    #[test]
    fn every_way_of_writing_one_is_the_same_place() {
        let whole = Position::at_end_of("TF 412 107").unwrap();
        for text in
            ["TF412107", "Northfen, TF 412107", "Northfen tf412 107", "Northfen (TF 412 107)"]
        {
            assert_eq!(Position::at_end_of(text), Some(whole), "{text}");
        }
        // The middle of the square that a shorter one names is less than a square away.
        let coarse = Position::at_end_of("TF 41 10").unwrap();
        assert!(coarse.km_to(&whole) < 1.0, "{}", coarse.km_to(&whole));
        // The corners of the grid.
        assert_eq!(corner("SV"), Some((0, 0)));
        assert_eq!(corner("HP"), Some((400_000, 1_200_000)));
        assert_eq!(corner("TG"), Some((600_000, 300_000)));
        assert_eq!(corner("AA"), None);
        assert_eq!(corner("SI"), None);
    }
}
