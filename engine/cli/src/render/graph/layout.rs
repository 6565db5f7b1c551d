//! Where everything stands in a picture: layers from top to bottom, few crossings, straight edges.
//!
//! The steps of Sugiyama's method in their simplest form: layers by longest path, a point in every layer that an edge
//! passes, order by the middle of the neighbours, places by the same with room kept between.

use super::drawing::{Drawing, Edge};

/// Height of a step's box.
pub(super) const BOX_HEIGHT: f64 = 44.0;
/// Room between two layers.
const LAYER_GAP: f64 = 62.0;
/// Room between two boxes of a layer.
const BOX_GAP: f64 = 34.0;
/// Width of the point at which an edge passes a layer.
const POINT_WIDTH: f64 = 14.0;
/// Width of a character of a step's name, and of its action, at most.
const CHAR_WIDTH: f64 = 7.4;
/// Room at both sides of a name.
const BOX_PADDING: f64 = 16.0;
/// Conditions in boxes are cut here.
const WHEN_CHARS: usize = 30;
/// Order is improved so often.
const SWEEPS: usize = 8;

/// A box, or a point that an edge passes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    /// Its layer, from 0 at the top.
    pub(super) layer: usize,
    /// The middle, from the left.
    pub(super) x: f64,
    /// The upper side.
    pub(super) y: f64,
    /// The width.
    pub(super) width: f64,
}

/// Places of all steps, and the way of each edge that is no re-entry.
#[derive(Debug)]
pub(super) struct Layout {
    /// One per step, then the points.
    pub(super) places: Vec<Place>,
    /// For each edge the places it passes, its ends among them; empty for a re-entry.
    pub(super) ways: Vec<Vec<usize>>,
    /// The width of all.
    pub(super) width: f64,
    /// The height of all.
    pub(super) height: f64,
}

impl Layout {
    /// The layout of a drawing. The same for the same drawing.
    pub(super) fn of(drawing: &Drawing) -> Self {
        let mut places: Vec<Place> = layers(drawing)
            .into_iter()
            .zip(&drawing.nodes)
            .map(|(layer, node)| {
                let when = node.when.as_ref().map_or(0, |when| when_line(when).chars().count());
                // The second and third line are smaller than the first.
                let chars = node.name.chars().count().max(node.action.chars().count() + 2).max(when);
                Place {
                    layer,
                    x: 0.0,
                    y: 0.0,
                    width: chars as f64 * CHAR_WIDTH + 2.0 * BOX_PADDING,
                }
            })
            .collect();
        let ways: Vec<Vec<usize>> = drawing.edges.iter().map(|edge| way(edge, &mut places)).collect();
        let mut rows = rows(&places);
        let neighbours = neighbours(places.len(), &ways);
        order(&mut rows, &neighbours, places.len());
        arrange(&rows, &neighbours, &mut places);
        let left = places.iter().map(|p| p.x - p.width / 2.0).fold(f64::INFINITY, f64::min);
        for place in &mut places {
            place.x -= left;
            place.y = place.layer as f64 * (BOX_HEIGHT + LAYER_GAP);
        }
        let width = places.iter().map(|p| p.x + p.width / 2.0).fold(0.0, f64::max);
        let height = places.iter().map(|p| p.y + BOX_HEIGHT).fold(0.0, f64::max);
        Self {
            places,
            ways,
            width,
            height,
        }
    }
}

/// A condition as it stands in a box.
pub(super) fn when_line(when: &str) -> String {
    format!("when {}", cut(when, WHEN_CHARS))
}

/// Text of at most so many characters; `…` shows that something was left out.
pub(super) fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    text.chars().take(chars - 1).chain(['…']).collect()
}

/// The layer of each step: one below the lowest that leads to it.
fn layers(drawing: &Drawing) -> Vec<usize> {
    let mut layers = vec![0; drawing.nodes.len()];
    for node in drawing.downwards() {
        for edge in drawing.leaving(node).filter(|edge| !edge.reentry) {
            layers[edge.to] = layers[edge.to].max(layers[node] + 1);
        }
    }
    layers
}

/// The places an edge passes; points are added for the layers between.
fn way(edge: &Edge, places: &mut Vec<Place>) -> Vec<usize> {
    if edge.reentry {
        return Vec::new();
    }
    let mut way = vec![edge.from];
    for layer in places[edge.from].layer + 1..places[edge.to].layer {
        places.push(Place {
            layer,
            x: 0.0,
            y: 0.0,
            width: POINT_WIDTH,
        });
        way.push(places.len() - 1);
    }
    way.push(edge.to);
    way
}

fn rows(places: &[Place]) -> Vec<Vec<usize>> {
    let layers = places.iter().map(|place| place.layer + 1).max().unwrap_or(0);
    let mut rows = vec![Vec::new(); layers];
    for (at, place) in places.iter().enumerate() {
        rows[place.layer].push(at);
    }
    rows
}

/// Of each place those it is joined with, above and below.
struct Neighbours {
    above: Vec<Vec<usize>>,
    below: Vec<Vec<usize>>,
}

fn neighbours(places: usize, ways: &[Vec<usize>]) -> Neighbours {
    let mut neighbours = Neighbours {
        above: vec![Vec::new(); places],
        below: vec![Vec::new(); places],
    };
    for pair in ways.iter().flat_map(|way| way.windows(2)) {
        neighbours.below[pair[0]].push(pair[1]);
        neighbours.above[pair[1]].push(pair[0]);
    }
    neighbours
}

/// Sorts each row by the middle of what it is joined with, down and up in turn, and keeps the best.
fn order(rows: &mut Vec<Vec<usize>>, neighbours: &Neighbours, places: usize) {
    let mut best = (crossings(rows, neighbours, places), rows.clone());
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        let side = if down { &neighbours.above } else { &neighbours.below };
        let mut position = positions(rows, places);
        let turns: Vec<usize> = if down {
            (0..rows.len()).collect()
        } else {
            (0..rows.len()).rev().collect()
        };
        for row in turns {
            let middle = |at: usize| mean(side[at].iter().map(|n| position[*n])).unwrap_or(position[at]);
            let mut sorted: Vec<(f64, usize)> = rows[row].iter().map(|at| (middle(*at), *at)).collect();
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
            rows[row] = sorted.into_iter().map(|(_, at)| at).collect();
            for (index, at) in rows[row].iter().enumerate() {
                position[*at] = index as f64;
            }
        }
        let now = crossings(rows, neighbours, places);
        if now < best.0 {
            best = (now, rows.clone());
        }
    }
    *rows = best.1;
}

fn positions(rows: &[Vec<usize>], places: usize) -> Vec<f64> {
    let mut positions = vec![0.0; places];
    for row in rows {
        for (index, at) in row.iter().enumerate() {
            positions[*at] = index as f64;
        }
    }
    positions
}

fn crossings(rows: &[Vec<usize>], neighbours: &Neighbours, places: usize) -> usize {
    let position = positions(rows, places);
    let mut crossings = 0;
    for row in rows {
        let pairs: Vec<(f64, f64)> = row
            .iter()
            .flat_map(|at| neighbours.below[*at].iter().map(|to| (position[*at], position[*to])))
            .collect();
        for (index, a) in pairs.iter().enumerate() {
            crossings += pairs[index + 1..]
                .iter()
                .filter(|b| (a.0 - b.0) * (a.1 - b.1) < 0.0)
                .count();
        }
    }
    crossings
}

/// Moves every place towards the middle of what it is joined with, as far as the room between allows.
fn arrange(rows: &[Vec<usize>], neighbours: &Neighbours, places: &mut [Place]) {
    for row in rows {
        let mut x = 0.0;
        for at in row {
            places[*at].x = x + places[*at].width / 2.0;
            x += places[*at].width + BOX_GAP;
        }
        for at in row {
            places[*at].x -= (x - BOX_GAP) / 2.0;
        }
    }
    for sweep in 0..SWEEPS {
        // Last upwards: the top decides where the eye begins.
        let down = sweep % 2 == 0;
        let side = if down { &neighbours.above } else { &neighbours.below };
        let turns: Vec<usize> = if down {
            (0..rows.len()).collect()
        } else {
            (0..rows.len()).rev().collect()
        };
        for row in turns {
            let wanted: Vec<f64> = rows[row]
                .iter()
                .map(|at| mean(side[*at].iter().map(|n| places[*n].x)).unwrap_or(places[*at].x))
                .collect();
            settle(&rows[row], &wanted, places);
        }
    }
}

/// As near to what is wanted as the room between allows: the middle of packing from the left and from the right,
/// both of which keep it.
fn settle(row: &[usize], wanted: &[f64], places: &mut [Place]) {
    let apart = |a: usize, b: usize, places: &[Place]| (places[a].width + places[b].width) / 2.0 + BOX_GAP;
    let mut from_left = wanted.to_vec();
    for i in 1..row.len() {
        from_left[i] = wanted[i].max(from_left[i - 1] + apart(row[i - 1], row[i], places));
    }
    let mut from_right = wanted.to_vec();
    for i in (0..row.len().saturating_sub(1)).rev() {
        from_right[i] = wanted[i].min(from_right[i + 1] - apart(row[i], row[i + 1], places));
    }
    for (i, at) in row.iter().enumerate() {
        places[*at].x = f64::midpoint(from_left[i], from_right[i]);
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, number) = values.fold((0.0, 0_u32), |(sum, number), value| (sum + value, number + 1));
    (number > 0).then(|| sum / f64::from(number))
}

#[cfg(test)]
mod tests {
    use super::{super::drawing::tests::sketch, *};

    #[test]
    fn boxes_of_a_layer_do_not_touch() {
        let layout = Layout::of(&sketch("abcdefg", "a>b a>c a>d b>e c>e d>f e>g f>g a>g"));
        for (i, a) in layout.places.iter().enumerate() {
            for b in layout.places[i + 1..].iter().filter(|b| b.layer == a.layer) {
                assert!(
                    (a.x - b.x).abs() >= (a.width + b.width) / 2.0 + BOX_GAP - 0.01,
                    "{a:?} {b:?}"
                );
            }
        }
    }

    #[test]
    fn edges_lead_down_layer_by_layer() {
        let layout = Layout::of(&sketch("abcd", "a>b b>c c>d a!d d?a"));
        for way in layout.ways.iter().filter(|way| !way.is_empty()) {
            let layers: Vec<usize> = way.iter().map(|at| layout.places[*at].layer).collect();
            assert!(layers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{layers:?}");
        }
        assert!(
            layout.ways.last().unwrap().is_empty(),
            "a re-entry has no place in the layers"
        );
    }

    #[test]
    fn a_crossing_that_need_not_be_is_not() {
        let drawing = sketch("abcd", "a>d b>c");
        let layout = Layout::of(&drawing);
        let x = |at: usize| layout.places[at].x;
        assert_eq!(x(0) < x(1), x(3) < x(2));
    }
}
