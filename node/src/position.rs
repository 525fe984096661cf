//! Where a school is, read from what it says of its location: a place, with a position behind it that can be
//! put on a map.

mod grid;

use std::f64::consts::TAU;

/// The mean radius of the Earth in kilometres (Moritz, "Geodetic Reference System 1980", Journal of Geodesy 74,
/// 2000: R1). A distance on such a sphere is within 1 in 200 of one on the ellipsoid.
pub(crate) const EARTH_KM: f64 = 6_371.008_8;

/// A place on the Earth (WGS 84).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Position {
    latitude: f64,
    longitude: f64,
}

impl Position {
    /// In degrees; none where there is no such place.
    pub(crate) fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let is_there = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        is_there.then_some(Self { latitude, longitude })
    }

    /// The position with which a text ends, of which there are three sorts:
    ///
    /// - a reference of the National Grid of Great Britain, as in "Northfen, TF 412 107";
    /// - a latitude and a longitude in degrees with a decimal point, north and east of Greenwich unless they say
    ///   otherwise, as in "Northfen, 52.67, 0.09" or "Northfen, 52.67° N 0.09° E";
    /// - an easting and a northing in whole metres, which England's register of schools has, as in
    ///   "Northfen, 541250 310750".
    ///
    /// A name alone is none: several towns have the same.
    pub(crate) fn at_end_of(text: &str) -> Option<Self> {
        let words: Vec<&str> = text
            .split(|c: char| c.is_whitespace() || ",;()°".contains(c))
            .filter(|word| !word.is_empty())
            .collect();
        degrees(&words).or_else(|| grid::metres(&words)).or_else(|| grid::reference(&words))
    }

    /// In degrees, north of the equator.
    pub(crate) fn latitude(&self) -> f64 {
        self.latitude
    }

    /// In degrees, east of Greenwich.
    pub(crate) fn longitude(&self) -> f64 {
        self.longitude
    }

    /// The distance along a great circle, in kilometres (the haversine formula: Sinnott, "Virtues of the
    /// Haversine", Sky and Telescope 68, 1984).
    pub(crate) fn km_to(&self, other: &Self) -> f64 {
        let [here, there] = [self.latitude, other.latitude].map(f64::to_radians);
        let east = (other.longitude - self.longitude).to_radians();
        let half = |angle: f64| (angle / 2.0).sin().powi(2);
        let chord = half(there - here) + here.cos() * there.cos() * half(east);
        2.0 * EARTH_KM * chord.clamp(0.0, 1.0).sqrt().asin()
    }

    /// In which of eight directions another place lies, clockwise from 0 for north.
    pub(crate) fn eighth_to(&self, other: &Self) -> usize {
        let [here, there] = [self.latitude, other.latitude].map(f64::to_radians);
        let east = (other.longitude - self.longitude).to_radians();
        let north = here.cos() * there.sin() - here.sin() * there.cos() * east.cos();
        let turns = (east.sin() * there.cos()).atan2(north).rem_euclid(TAU) / TAU;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between 0 and 8"
        )]
        let eighth = (turns * 8.0).round() as usize;
        eighth % 8
    }
}

/// "52.67 N 0.09 E", with or without the letters.
fn degrees(words: &[&str]) -> Option<Position> {
    let (east, words) = degree(words, "E", "W")?;
    let (north, _) = degree(words, "N", "S")?;
    Position::new(north, east)
}

/// The number of degrees with which words end, and the words before it.
fn degree<'a>(words: &'a [&'a str], plus: &str, minus: &str) -> Option<(f64, &'a [&'a str])> {
    let (last, mut before) = words.split_last()?;
    let mut number = last.to_ascii_uppercase();
    if number == plus || number == minus {
        let (digits, rest) = before.split_last()?;
        number.insert_str(0, digits);
        before = rest;
    }
    let (number, sign) = match number.strip_suffix(minus) {
        Some(west) => (west, -1.0),
        None => (number.strip_suffix(plus).unwrap_or(&number), 1.0),
    };
    // A minus as people type it, and as printed text has it.
    let digits = number.trim_start_matches(['-', '−', '+']);
    let sign = if number.starts_with(['-', '−']) { -sign } else { sign };
    let whole = digits.split_once('.')?;
    let is_number = [whole.0, whole.1].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if !is_number {
        return None;
    }
    Some((sign * digits.parse::<f64>().ok()?, before))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (f64, f64) {
        let found = Position::at_end_of(text).unwrap_or_else(|| panic!("no position in {text:?}"));
        (found.latitude, found.longitude)
    }

    #[test]
    fn degrees_are_read_as_people_write_them() {
        for text in [
            "52.634, -1.131",
            "Leicester, 52.634, -1.131",
            "Leicester (52.634 −1.131)",
            "Leicester, 52.634° N, 1.131° W",
            "Leicester 52.634n 1.131w",
        ] {
            assert_eq!(read(text), (52.634, -1.131), "{text}");
        }
        assert_eq!(read("Stanley, 51.69 S 57.85 W"), (-51.69, -57.85));
        assert_eq!(read("90.0 180.0"), (90.0, 180.0));
        assert_eq!(read("-90.0 -180.0"), (-90.0, -180.0));
    }

    #[test]
    fn a_place_without_a_position_is_none() {
        for text in [
            "",
            "Northfen",
            "Ward 4, 12",
            "91.0, 0.5",
            "52.6, 180.5",
            "nan nan",
            "NaN.0 inf.0",
            "1e3.0 2.0",
            "52.634",
            "52.634 N",
            "N",
            "N E",
            ". .x",
            "--5.0 x5.0",
            "II 12 34",
            "ZZ 12 34",
            "TF 41 1",
            "TF 412 10x",
            "TF",
            "999999 9999999",
            "12 34",
            "\u{202e}é 412 107",
            "TFé12",
        ] {
            assert_eq!(Position::at_end_of(text), None, "{text:?}");
        }
        for text in ["..0", "5..0 .", ". ."] {
            assert_eq!(Position::at_end_of(text), None, "{text:?}");
        }
        let huge = format!("{}.0 0.0", "9".repeat(299));
        assert_eq!(Position::at_end_of(&huge), None);
    }

    #[test]
    fn distances_and_directions_are_those_of_the_globe() {
        let at = |text| Position::at_end_of(text).unwrap();
        // London and Liverpool, of which the tables say 178 miles.
        let (london, liverpool) = (at("51.5074 -0.1278"), at("53.4084 -2.9916"));
        assert!((london.km_to(&liverpool) - 286.5).abs() < 1.0, "{}", london.km_to(&liverpool));
        assert_eq!(london.eighth_to(&liverpool), 7, "north-west");
        assert_eq!(liverpool.eighth_to(&london), 3, "south-east");
        assert!(london.km_to(&london).abs() < f64::EPSILON);
        // Across the antimeridian it is not once around.
        let (fiji, samoa) = (at("-17.0 179.5"), at("-17.0 -179.5"));
        assert!((fiji.km_to(&samoa) - 106.3).abs() < 0.5, "{}", fiji.km_to(&samoa));
        assert_eq!(fiji.eighth_to(&samoa), 2, "east");
        // From pole to pole it is half the way around.
        let poles = at("90.0 0.0").km_to(&at("-90.0 120.0"));
        assert!((poles - EARTH_KM * TAU / 2.0).abs() < 0.01, "{poles}");
    }
}
