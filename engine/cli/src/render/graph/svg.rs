//! A picture: valid XML, readable without a network, the same for the same plan.

use super::{
    drawing::{Drawing, Edge, EdgeKind, Node},
    layout::{BOX_HEIGHT, Layout, Place, cut, when_line},
};

/// Room around the picture.
const MARGIN: f64 = 24.0;
/// Height of the title.
const TITLE_HEIGHT: f64 = 36.0;
/// Room for each edge that leads back, at the right.
const LANE: f64 = 22.0;
/// Labels longer than this are cut; the whole is shown when one points at it.
const LABEL_CHARS: usize = 26;
/// Width of a character of a label, at most.
const LABEL_CHAR_WIDTH: f64 = 6.6;

/// The kinds of edges, and their colours: those of the styles below.
const EDGES: [(&str, &str); 4] = [
    ("next", "#49454f"),
    ("failure", "#b3261e"),
    ("cancel", "#79747e"),
    ("back", "#1f5fa8"),
];

const STYLE: &str = "\
text{font-family:ui-sans-serif,system-ui,Helvetica,Arial,sans-serif;fill:#1d1b20}\
.title{font-size:15px;font-weight:600}\
.name{font-size:13px;font-weight:600;text-anchor:middle}\
.action{font-size:11px;fill:#5f5b66;text-anchor:middle}\
.label{font-size:11px;text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}\
.step{fill:#f6f4fb;stroke:#6750a4;stroke-width:1.2}\
.branch{fill:#fff7e0;stroke:#8a6100}\
.ends{stroke-width:2.6}\
.edge{fill:none;stroke:#49454f;stroke-width:1.3}\
.failure{stroke:#b3261e;stroke-dasharray:6 4}\
.cancel{stroke:#79747e;stroke-dasharray:2 4}\
.back{stroke:#1f5fa8}\
.beside{text-anchor:start}";

/// The drawing as an SVG document.
pub(crate) fn draw(drawing: &Drawing) -> String {
    let layout = Layout::of(drawing);
    let backwards = drawing.edges.iter().filter(|edge| edge.reentry);
    let lanes = backwards.clone().count() as f64 * LANE;
    let words = backwards
        .filter_map(|edge| edge.label.as_ref())
        .map(|label| cut(label, LABEL_CHARS).chars().count());
    let beside = words.max().map_or(0.0, |chars| chars as f64 * LABEL_CHAR_WIDTH + LANE);
    let width = (layout.width + lanes + beside).max(220.0) + 2.0 * MARGIN;
    let height = layout.height + TITLE_HEIGHT + 2.0 * MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{name}\">\n\
         <title>{name}</title>\n<style>{STYLE}</style>\n\
         <defs>{tips}</defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text class=\"title\" x=\"{MARGIN:.0}\" y=\"{:.0}\">{name}</text>\n\
         <g transform=\"translate({MARGIN:.0} {:.0})\">\n",
        MARGIN + 12.0,
        MARGIN + TITLE_HEIGHT,
        name = escaped(&drawing.runbook),
        tips = EDGES.map(tip).concat(),
    );
    let ports = Ports::of(drawing, &layout);
    let mut labels = String::new();
    let mut lane = 0;
    for (at, edge) in drawing.edges.iter().enumerate() {
        let path = if edge.reentry {
            lane += 1;
            around(&layout, edge, lane)
        } else {
            through(&layout, &layout.ways[at], ports.out[at], ports.into[at])
        };
        out.push_str(&format!(
            "<path class=\"edge {look}\" d=\"{}\" marker-end=\"url(#{look})\"/>\n",
            path.d,
            look = look(edge),
        ));
        if let Some(label) = &edge.label {
            labels.push_str(&label_at(label, path.label, edge.reentry));
        }
    }
    for (node, place) in drawing.nodes.iter().zip(&layout.places) {
        out.push_str(&step(node, place));
    }
    // Last, so that nothing covers them.
    out.push_str(&labels);
    out.push_str("</g>\n</svg>\n");
    out
}

/// A path, and where its label stands.
struct Path {
    d: String,
    label: (f64, f64),
}

/// Where edges leave and reach a box: side by side, in the order of what they lead to.
struct Ports {
    out: Vec<f64>,
    into: Vec<f64>,
}

impl Ports {
    fn of(drawing: &Drawing, layout: &Layout) -> Self {
        let mut ports = Self {
            out: vec![0.0; drawing.edges.len()],
            into: vec![0.0; drawing.edges.len()],
        };
        for node in 0..drawing.nodes.len() {
            let leaving = |edge: &Edge| edge.from == node;
            let reaching = |edge: &Edge| edge.to == node;
            spread(drawing, layout, leaving, |way| way[1], node, &mut ports.out);
            spread(
                drawing,
                layout,
                reaching,
                |way| way[way.len() - 2],
                node,
                &mut ports.into,
            );
        }
        ports
    }
}

fn spread(
    drawing: &Drawing,
    layout: &Layout,
    mine: impl Fn(&Edge) -> bool,
    other_end: impl Fn(&[usize]) -> usize,
    node: usize,
    ports: &mut [f64],
) {
    let mut edges: Vec<(f64, usize)> = (0..drawing.edges.len())
        .filter(|at| !drawing.edges[*at].reentry && mine(&drawing.edges[*at]))
        .map(|at| (layout.places[other_end(&layout.ways[at])].x, at))
        .collect();
    edges.sort_by(|a, b| a.0.total_cmp(&b.0));
    let place = &layout.places[node];
    let room = (place.width * 0.5).min(18.0 * edges.len().saturating_sub(1) as f64);
    let step = if edges.len() > 1 {
        room / (edges.len() - 1) as f64
    } else {
        0.0
    };
    for (index, (_, at)) in edges.iter().enumerate() {
        ports[*at] = place.x - room / 2.0 + step * index as f64;
    }
}

/// From box to box by the points between, upright where it passes a layer.
fn through(layout: &Layout, way: &[usize], start: f64, end: f64) -> Path {
    let first = &layout.places[way[0]];
    let (mut x, mut y) = (start, first.y + BOX_HEIGHT);
    let mut d = format!("M{x:.1} {y:.1}");
    let mut label = (x, y);
    for (index, at) in way.iter().enumerate().skip(1) {
        let place = &layout.places[*at];
        let last = index + 1 == way.len();
        let to = (if last { end } else { place.x }, place.y);
        let bend = (to.1 - y) / 2.0;
        d.push_str(&format!(
            "C{x:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
            y + bend,
            to.0,
            to.1 - bend,
            to.0,
            to.1
        ));
        if index == 1 {
            // Nearer to where it leads: there the edges of a branch are apart.
            label = (x + (to.0 - x) * 0.78, y + (to.1 - y) * 0.66);
        }
        if !last {
            d.push_str(&format!("V{:.1}", to.1 + BOX_HEIGHT));
        }
        (x, y) = (to.0, to.1 + BOX_HEIGHT);
    }
    Path { d, label }
}

/// From the right side of a box up to the right side of another, in a lane of its own.
fn around(layout: &Layout, edge: &Edge, lane: usize) -> Path {
    let side = |place: &Place, down: f64| (place.x + place.width / 2.0, place.y + BOX_HEIGHT * down);
    let (from, to) = (side(&layout.places[edge.from], 0.7), side(&layout.places[edge.to], 0.3));
    let x = layout.width + lane as f64 * LANE;
    let d = format!(
        "M{:.1} {:.1}C{x:.1} {:.1} {x:.1} {:.1} {x:.1} {:.1}V{:.1}C{x:.1} {:.1} {x:.1} {:.1} {:.1} {:.1}",
        from.0,
        from.1,
        from.1,
        from.1,
        from.1 - 14.0,
        to.1 + 14.0,
        to.1,
        to.1,
        to.0,
        to.1,
    );
    Path {
        d,
        label: (x + 6.0, f64::midpoint(from.1, to.1) + 4.0),
    }
}

/// What an edge looks like: its class, and the name of its tip.
fn look(edge: &Edge) -> &'static str {
    if edge.reentry {
        return "back";
    }
    match edge.kind {
        EdgeKind::Next | EdgeKind::Branch => "next",
        EdgeKind::Failure => "failure",
        EdgeKind::Cancel => "cancel",
    }
}

/// The tip of a kind of edge, in its colour: few programs let a tip take the colour of its line.
fn tip((look, colour): (&str, &str)) -> String {
    format!(
        "<marker id=\"{look}\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path d=\"M0 0.5L8 4L0 7.5z\" fill=\"{colour}\"/></marker>"
    )
}

fn label_at(label: &str, (x, y): (f64, f64), beside: bool) -> String {
    let beside = if beside { " beside" } else { "" };
    let short = cut(label, LABEL_CHARS);
    format!(
        "<text class=\"label{beside}\" x=\"{x:.1}\" y=\"{y:.1}\"><title>{}</title>{}</text>\n",
        escaped(label),
        escaped(&short)
    )
}

fn step(node: &Node, place: &Place) -> String {
    let branch = if node.branches { " branch" } else { "" };
    let ends = if node.ends { " ends" } else { "" };
    let undo = if node.rollback { " ↩" } else { "" };
    let round = if node.branches { 2 } else { 9 };
    let mut lines = vec![
        ("name", node.name.clone()),
        ("action", format!("{}{undo}", node.action)),
    ];
    lines.extend(node.when.iter().map(|when| ("action", when_line(when))));
    // Two lines stand as high as three.
    let first = place.y + if lines.len() == 2 { 19.0 } else { 14.0 };
    let pitch = if lines.len() == 2 { 16.0 } else { 12.5 };
    let mut out = format!(
        "<g><rect class=\"step{branch}{ends}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{BOX_HEIGHT}\" rx=\"{round}\"/>",
        place.x - place.width / 2.0,
        place.y,
        place.width,
    );
    for (index, (class, text)) in lines.iter().enumerate() {
        let y = first + pitch * index as f64;
        out.push_str(&format!(
            "<text class=\"{class}\" x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
            place.x,
            escaped(text)
        ));
    }
    if let Some(when) = &node.when {
        out.push_str(&format!("<title>when {}</title>", escaped(when)));
    }
    out + "</g>\n"
}

/// Text inside XML. Control characters are not allowed there at all.
fn escaped(text: &str) -> String {
    let text = crate::render::text::visible(text);
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{super::drawing::tests::sketch, *};

    #[test]
    fn names_cannot_break_out() {
        let mut drawing = sketch("ab", "a?b");
        drawing.nodes[0].name = "<script>&\"\u{1b}".into();
        let text = draw(&drawing);
        assert!(text.contains("&lt;script&gt;&amp;&quot;␛"), "{text}");
        assert!(!text.contains("<script"));
        assert!(text.contains("x = &quot;b&quot;"));
    }

    #[test]
    fn every_step_and_edge_is_there() {
        let text = draw(&sketch("abcd", "a>b b>c b!d c?a"));
        assert_eq!(text.matches("<rect class=\"step").count(), 4);
        assert_eq!(text.matches("<path class=\"edge").count(), 4);
        assert_eq!(text.matches("edge failure").count(), 1);
        assert_eq!(text.matches("edge back").count(), 1);
        assert!(
            EDGES
                .iter()
                .all(|(look, colour)| text.contains(&format!("id=\"{look}\"")) && STYLE.contains(colour))
        );
        assert_eq!(text.matches("<g").count(), text.matches("</g>").count());
    }
}
