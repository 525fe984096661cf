//! Where the schools of a group stand on its map: a projection, a scale, and room for each number.

use crate::position::{EARTH_KM, Position};

/// Schools on one map. More could not be told apart on a page, nor placed in a moment; the list has them.
pub(super) const MOST_DRAWN: usize = 400;

// In the picture's own units, at a height of text of 12.
/// The side of a map of few schools: what a phone of 360 has room for.
const LEAST_SIDE: f64 = 320.0;
/// What a mark takes with its number, of three digits at most.
const BOX_WIDTH: f64 = 38.0;
const BOX_HEIGHT: f64 = 17.0;
/// The part of that to the left of the place that is marked.
const BOX_LEFT: f64 = 8.0;
/// Between what is marked and the edge.
const MARGIN: f64 = 14.0;
/// Below the map, for the scale.
const FOOT: f64 = 30.0;
/// The longest bar of a scale, as a part of the side.
const MOST_BAR: f64 = 0.4;

/// What a map spans at least, in kilometres: a neighbourhood, so that one school alone has a scale.
const LEAST_SPAN: f64 = 2.0;

/// A map, for the template to draw. North is up.
pub(super) struct Drawing {
    pub(super) side: f64,
    pub(super) height: f64,
    /// In the order of the positions.
    pub(super) spots: Vec<Spot>,
    /// The length of the scale's bar, and the kilometres that it is.
    pub(super) bar: (f64, f64),
}

/// A school on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    /// Where it is.
    pub(super) at: (f64, f64),
    /// Where its mark is, beside that where others have the room.
    pub(super) mark: (f64, f64),
}

impl Spot {
    /// Whether a line is to lead from the mark to the place.
    pub(super) fn is_aside(&self) -> bool {
        self.at != self.mark
    }

    fn overlaps(&self, other: &Self) -> bool {
        (self.mark.0 - other.mark.0).abs() < BOX_WIDTH
            && (self.mark.1 - other.mark.1).abs() < BOX_HEIGHT
    }
}

impl Drawing {
    /// Draws positions, the first [`MOST_DRAWN`] of them.
    pub(super) fn of(positions: &[Position]) -> Self {
        let drawn = &positions[..positions.len().min(MOST_DRAWN)];
        let (points, width, height) = projected(drawn);
        let side = side_for(drawn.len());
        let scale = (side - BOX_WIDTH - 2.0 * MARGIN) / width.max(height).max(LEAST_SPAN);
        // The middle of all is the middle of what a mark can stand on.
        let middle = ((side + 2.0 * BOX_LEFT - BOX_WIDTH) / 2.0, side / 2.0);
        let aside = places_aside(side);
        let mut spots: Vec<Spot> = Vec::new();
        for (east, north) in points {
            let at = (round(middle.0 + east * scale), round(middle.1 - north * scale));
            spots.push(free_spot(at, &spots, &aside, side));
        }
        Self { side, height: side + FOOT, spots, bar: bar(scale, side) }
    }
}

/// Kilometres east and north of the middle of the positions, and how far apart they lie in both directions.
///
/// The projection is the equidistant cylindrical one with its standard parallel through the middle of the
/// positions (Snyder, "Map Projections: A Working Manual", US Geological Survey Professional Paper 1395, 1987, page
/// 91): x = R (λ − λ₀) cos φ₁, y = R (φ − φ₁). Distances to the north are right everywhere; those to the east are right
/// on that parallel and, in the British Isles, within 1 in 100 of it 40 km to the north and south.
fn projected(positions: &[Position]) -> (Vec<(f64, f64)>, f64, f64) {
    let (south, north) = ends(positions.iter().map(Position::latitude));
    let west = western_end(positions);
    // Degrees to the east of there, across the antimeridian too.
    let from_west = |position: &Position| (position.longitude() - west).rem_euclid(360.0);
    let (_, span) = ends(positions.iter().map(from_west));
    let (middle, standard) = (span / 2.0, f64::midpoint(south, north));
    let across = standard.to_radians().cos().max(0.0);
    let km = |degrees: f64| EARTH_KM * degrees.to_radians();
    let point = |position: &Position| {
        (km(from_west(position) - middle) * across, km(position.latitude() - standard))
    };
    (positions.iter().map(point).collect(), km(span) * across, km(north - south))
}

fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let ends = values.fold(None, |ends: Option<(f64, f64)>, value| {
        let (least, most) = ends.unwrap_or((value, value));
        Some((least.min(value), most.max(value)))
    });
    ends.unwrap_or_default()
}

/// The longitude at which the schools begin, read eastwards: after the widest stretch without any.
fn western_end(positions: &[Position]) -> f64 {
    let mut longitudes: Vec<f64> = positions.iter().map(Position::longitude).collect();
    longitudes.sort_by(f64::total_cmp);
    let Some((first, last)) = longitudes.first().zip(longitudes.last()) else { return 0.0 };
    let around = (first + 360.0 - last, *first);
    let stretches = longitudes.windows(2).map(|two| (two[1] - two[0], two[1]));
    stretches.fold(around, |widest, one| if one.0 > widest.0 { one } else { widest }).1
}

/// How large the map is: a mark keeps others off the room of four, as it may lie across that of each, so with this
/// room there is a place for the last one wherever they are.
fn side_for(count: usize) -> f64 {
    let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let room = (4.4 * count * BOX_WIDTH * BOX_HEIGHT).sqrt();
    (room + BOX_WIDTH + 2.0 * MARGIN).max(LEAST_SIDE).ceil()
}

/// How far beside its place a mark may stand, the nearest first. The whole steps come before the half ones, so
/// that many schools in one spot stand close together.
fn places_aside(side: f64) -> Vec<(f64, f64)> {
    let lattice = |step: f64| {
        let [width, height] = [BOX_WIDTH * step, BOX_HEIGHT * step];
        let steps = |size: f64| (side / size).ceil();
        let line = |size: f64| {
            let most = steps(size);
            std::iter::successors(Some(-most), move |one| (*one < most).then_some(one + 1.0))
        };
        let mut places: Vec<(f64, f64)> =
            line(width).flat_map(|x| line(height).map(move |y| (x * width, y * height))).collect();
        places.sort_by(|one, other| one.0.hypot(one.1).total_cmp(&other.0.hypot(other.1)));
        places
    };
    [lattice(1.0), lattice(0.5)].concat()
}

fn free_spot(at: (f64, f64), taken: &[Spot], aside: &[(f64, f64)], side: f64) -> Spot {
    let spots = aside.iter().map(|(x, y)| Spot { at, mark: (round(at.0 + x), round(at.1 + y)) });
    let is_free = |spot: &Spot| {
        let (x, y) = spot.mark;
        let is_inside = x >= BOX_LEFT
            && x <= side + BOX_LEFT - BOX_WIDTH
            && y >= BOX_HEIGHT / 2.0
            && y <= side - BOX_HEIGHT / 2.0;
        is_inside && !taken.iter().any(|other| spot.overlaps(other))
    };
    spots.into_iter().find(is_free).unwrap_or(Spot { at, mark: at })
}

/// The longest bar of 1, 2 or 5 times a power of ten kilometres that fits.
fn bar(scale: f64, side: f64) -> (f64, f64) {
    let most = side * MOST_BAR / scale;
    let power = 10_f64.powf(most.log10().floor());
    let km = [5.0, 2.0, 1.0].into_iter().map(|step| step * power).find(|km| *km <= most);
    let km = km.unwrap_or(power);
    (round(km * scale), km)
}

/// To a tenth: a picture needs no more.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude: f64, longitude: f64) -> Position {
        Position::new(latitude, longitude).unwrap()
    }

    /// No two marks overlap, all are on the picture with their numbers, and every number is one.
    fn is_legible(positions: &[Position]) -> Drawing {
        let drawing = Drawing::of(positions);
        assert_eq!(drawing.spots.len(), positions.len().min(MOST_DRAWN));
        let (length, km) = drawing.bar;
        assert!(length > 0.0 && length <= drawing.side * MOST_BAR && km > 0.0, "{length} {km}");
        for (place, spot) in drawing.spots.iter().enumerate() {
            let (x, y) = spot.mark;
            assert!(x >= BOX_LEFT && x + BOX_WIDTH - BOX_LEFT <= drawing.side, "{spot:?}");
            assert!(y >= BOX_HEIGHT / 2.0 && y + BOX_HEIGHT / 2.0 <= drawing.side, "{spot:?}");
            for within in [spot.at.0, spot.at.1] {
                assert!((0.0..=drawing.side).contains(&within), "{spot:?}");
            }
            for other in &drawing.spots[..place] {
                assert!(!spot.overlaps(other), "{spot:?} and {other:?}");
            }
        }
        drawing
    }

    /// A distance on the picture in kilometres.
    fn measured(drawing: &Drawing, one: usize, other: usize) -> f64 {
        let (one, other) = (drawing.spots[one].at, drawing.spots[other].at);
        let (length, km) = drawing.bar;
        (one.0 - other.0).hypot(one.1 - other.1) * km / length
    }

    #[test]
    fn distances_on_the_map_are_those_of_the_globe_over_a_trusts_spread() {
        // Norwich, King's Lynn, Cambridge, Peterborough and Boston.
        let towns = [
            at(52.6309, 1.2974),
            at(52.7517, 0.4023),
            at(52.2053, 0.1218),
            at(52.5695, -0.2405),
            at(52.9789, -0.0266),
        ];
        let drawing = is_legible(&towns);
        for one in 0..towns.len() {
            for other in 0..one {
                let (on_map, on_globe) =
                    (measured(&drawing, one, other), towns[one].km_to(&towns[other]));
                assert!((on_map / on_globe - 1.0).abs() < 0.015, "{on_map} {on_globe}");
            }
        }
        let [norwich, lynn, cambridge, ..] = drawing.spots[..] else { panic!("five") };
        assert!(norwich.at.0 > lynn.at.0, "east is to the right");
        assert!(cambridge.at.1 > lynn.at.1, "north is up");
    }

    #[test]
    fn schools_on_one_spot_stand_beside_each_other_and_lead_back_to_it() {
        let street = [at(52.6309, 1.2974); 5];
        let drawing = is_legible(&street);
        assert!(!drawing.spots[0].is_aside());
        for spot in &drawing.spots[1..] {
            assert!(spot.is_aside());
            assert_eq!(spot.at, drawing.spots[0].at);
            assert!((spot.mark.0 - spot.at.0).abs() <= 2.0 * BOX_WIDTH, "close by: {spot:?}");
        }
        let alone = is_legible(&street[..1]);
        assert!(!alone.spots[0].is_aside());
        assert!(alone.bar.1 <= LEAST_SPAN, "{}", alone.bar.1);
    }

    #[test]
    fn absurd_places_and_many_schools_do_no_harm() {
        is_legible(&[]);
        is_legible(&[at(90.0, 0.0), at(90.0, 180.0), at(90.0, -120.0)]);
        is_legible(&[at(90.0, 0.0), at(-90.0, 0.0)]);
        is_legible(&[at(0.0, -180.0), at(0.0, 180.0), at(0.0, 0.0)]);
        is_legible(&[at(52.6, 1.3); 300]);
        is_legible(&[at(52.6, 1.3); MOST_DRAWN + 50]);
        let scattered = |number: u32| {
            let part = |by: u32| f64::from(number.wrapping_mul(by) % 997) / 997.0;
            at(52.0 + part(7_919), part(104_729))
        };
        let county: Vec<_> = (0..300).map(scattered).collect();
        is_legible(&county);
        // Half of them in one town in a corner.
        let town = [vec![at(52.0, 0.0); 150], county[..150].to_vec()].concat();
        is_legible(&town);
        // The two sides of the antimeridian are beside each other, not around the globe.
        let drawing = is_legible(&[at(-17.0, 179.5), at(-17.0, -179.5)]);
        assert!((measured(&drawing, 0, 1) - 106.3).abs() < 1.0);
        assert!(drawing.spots[0].at.0 < drawing.spots[1].at.0, "west is to the left");
    }
}
