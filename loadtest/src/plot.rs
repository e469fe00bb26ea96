//! Plots as SVG, to stand in a page.
//!
//! Logarithmic axes are drawn by plotting logarithms and labelling them with what they stand for.

use std::error::Error;

use plotters::{
    coord::Shift,
    prelude::{
        BLACK, ChartBuilder, Color, DrawingArea, IntoDrawingArea, IntoFont, LineSeries,
        PathElement, RGBColor, Rectangle, SVGBackend, Text, WHITE,
    },
};

const WIDTH: u32 = 900;
const HEIGHT: u32 = 320;
const MARGIN: u32 = 8;
/// Room for the words beside the y axis, and for the names of the lines on the other side.
const LEFT: u32 = 64;
const RIGHT: u32 = 180;
/// Room between the labels of two marks.
const LABEL_GAP: i32 = 6;
const FONT: &str = "sans-serif";
/// Colours that people who see few of them can tell apart (Okabe and Ito, 2008).
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];
const MARK: RGBColor = RGBColor(179, 38, 30);

/// What the axes stand for.
#[derive(Clone, Copy, Debug)]
pub struct Axes<'a> {
    x: &'a str,
    y: &'a str,
    scale: Scale,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    Linear,
    /// The y axis in powers of ten.
    Logarithmic,
    /// The same, and an x axis in percent on which each further nine is as wide as the one before.
    Percentiles,
}

/// A line of a plot.
#[derive(Clone, Debug)]
pub struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

/// A line as it lies on its axes, with gaps where it has no place on them: a logarithmic axis has none for 0.
struct Drawn<'a> {
    name: &'a str,
    points: Vec<Option<(f64, f64)>>,
}

/// Something that happened, drawn as an upright stripe for as long as it lasted.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Where on the x axis it began.
    pub at_seconds: f64,
    /// How long it lasted.
    pub lasted_seconds: f64,
    /// What, in a word; left out where it would cover the one before.
    pub label: String,
}

impl<'a> Axes<'a> {
    /// Axes with these words beside them; y begins at 0.
    pub fn new(x: &'a str, y: &'a str) -> Self {
        Self {
            x,
            y,
            scale: Scale::Linear,
        }
    }

    /// With y in powers of ten.
    pub fn logarithmic(self) -> Self {
        Self {
            scale: Scale::Logarithmic,
            ..self
        }
    }
}

impl Line {
    /// A line with the name that explains it.
    pub fn new(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self {
            name: name.into(),
            points,
        }
    }
}

/// Lines over time with the moments that matter marked; `None` where there is nothing to draw.
pub fn lines(axes: &Axes<'_>, lines: &[Line], marks: &[Mark]) -> Option<String> {
    let drawn: Vec<Drawn<'_>> = lines
        .iter()
        .map(|line| axes.scale.of_line(line))
        .filter(|line| line.points.iter().any(Option::is_some))
        .collect();
    if drawn.is_empty() {
        return None;
    }
    let mut svg = String::new();
    draw_lines(&mut svg, axes, &drawn, marks).expect("drawing into a string cannot fail");
    Some(svg)
}

/// Curves of latency in milliseconds by percentile.
pub fn percentiles(curves: &[Line]) -> Option<String> {
    let axes = Axes {
        scale: Scale::Percentiles,
        ..Axes::new("percentile", "ms")
    };
    lines(&axes, curves, &[])
}

/// Groups of bars, one bar of each series; `None` where there is nothing to draw.
pub fn bars(y: &str, series: &[&str], groups: &[(&str, Vec<Option<f64>>)]) -> Option<String> {
    let highest = groups
        .iter()
        .flat_map(|(_, values)| values.iter().flatten())
        .fold(0.0, |highest: f64, value| highest.max(*value));
    if highest <= 0.0 {
        return None;
    }
    let mut svg = String::new();
    draw_bars(&mut svg, y, series, groups, highest).expect("drawing into a string cannot fail");
    Some(svg)
}

impl Scale {
    fn of_line(self, line: &Line) -> Drawn<'_> {
        let point = |&(x, y): &(f64, f64)| match self {
            Self::Linear => Some((x, y)),
            Self::Logarithmic => (y > 0.0).then(|| (x, y.log10())),
            Self::Percentiles => (y > 0.0 && x < 100.0).then(|| (nines(x), y.log10())),
        };
        Drawn {
            name: &line.name,
            points: line.points.iter().map(point).collect(),
        }
    }

    fn x_label(self, x: f64) -> String {
        match self {
            Self::Percentiles => {
                let percent = 100.0 - 100.0 * 10_f64.powf(-x);
                format!("{:.1$}", percent, (x - 1.5).max(0.0).ceil() as usize)
            }
            _ => number(x),
        }
    }

    fn y_label(self, y: f64) -> String {
        match self {
            Self::Linear => number(y),
            _ => number(10_f64.powf(y)),
        }
    }
}

/// How many nines a percentage has: 90 is one, 99 two.
fn nines(percent: f64) -> f64 {
    -(1.0 - percent / 100.0).log10()
}

fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.1 => format!("{value:.3}"),
        size if size < 1.0 => format!("{value:.2}"),
        size if size < 10.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn draw_lines(
    svg: &mut String,
    axes: &Axes<'_>,
    lines: &[Drawn<'_>],
    marks: &[Mark],
) -> Result<(), Box<dyn Error>> {
    let points = || lines.iter().flat_map(|line| line.points.iter().flatten());
    let (mut left, mut right, mut low, mut high) = (f64::MAX, f64::MIN, f64::MAX, f64::MIN);
    for &(x, y) in points() {
        (left, right) = (left.min(x), right.max(x));
        (low, high) = (low.min(y), high.max(y));
    }
    if axes.scale == Scale::Linear {
        (left, low, high) = (left.min(0.0), 0.0, high * 1.08);
    } else {
        (low, high) = (low.floor(), high.ceil());
    }
    // An axis needs some length, even where all values are equal.
    (right, high) = (right.max(left + 1e-3), high.max(low + 1e-3));

    // A label at each nine and at each power of ten, and not between them.
    let x_labels = match axes.scale {
        Scale::Percentiles => (right - left).ceil() as usize + 1,
        _ => 10,
    };
    let y_labels = match axes.scale {
        Scale::Linear => 10,
        _ => (high - low).ceil() as usize + 1,
    };
    let area = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(MARGIN)
        .margin_right(RIGHT)
        .x_label_area_size(36)
        .y_label_area_size(LEFT)
        .build_cartesian_2d(left..right, low..high)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.1))
        .axis_style(BLACK.mix(0.4))
        .x_desc(axes.x)
        .y_desc(axes.y)
        .x_labels(x_labels)
        .y_labels(y_labels)
        .label_style((FONT, 13))
        .axis_desc_style((FONT, 13))
        .x_label_formatter(&|x| axes.scale.x_label(*x))
        .y_label_formatter(&|y| axes.scale.y_label(*y))
        .draw()?;
    let mut free_from = i32::MIN;
    for mark in marks {
        let (from, to) = (mark.at_seconds, mark.at_seconds + mark.lasted_seconds);
        if to < left || from > right {
            continue;
        }
        let (from, to) = (from.max(left), to.min(right));
        let stripe = [(from, low), (to, high)];
        chart.draw_series([Rectangle::new(stripe, MARK.mix(0.12).filled())])?;
        let edge = [(from, low), (from, high)];
        chart.draw_series([PathElement::new(edge, MARK.mix(0.5))])?;
        let (x, y) = chart.backend_coord(&(from, high));
        if x >= free_from {
            let font = (FONT, 12).into_font();
            let (width, _) = font.box_size(&mark.label)?;
            free_from = x + width as i32 + LABEL_GAP;
            area.draw(&Text::new(
                mark.label.as_str(),
                (x + 2, y),
                font.color(&MARK),
            ))?;
        }
    }
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        for stretch in line.points.split(Option::is_none) {
            let points = stretch.iter().flatten().copied();
            // A stretch of one point is seen by that.
            chart.draw_series(LineSeries::new(points, colour.stroke_width(2)).point_size(1))?;
        }
    }
    draw_names(&area, lines.iter().map(|line| line.name))?;
    area.present()?;
    Ok(())
}

fn draw_bars(
    svg: &mut String,
    y: &str,
    series: &[&str],
    groups: &[(&str, Vec<Option<f64>>)],
    highest: f64,
) -> Result<(), Box<dyn Error>> {
    const GAP: f64 = 0.15;
    let bar_width = (1.0 - 2.0 * GAP) / series.len().max(1) as f64;
    let area = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(MARGIN)
        .margin_right(RIGHT)
        .x_label_area_size(32)
        .y_label_area_size(LEFT)
        .build_cartesian_2d(0.0..groups.len() as f64, 0.0..highest * 1.15)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.1))
        .axis_style(BLACK.mix(0.4))
        .y_desc(y)
        .x_labels(0)
        .label_style((FONT, 13))
        .axis_desc_style((FONT, 13))
        .y_label_formatter(&|y| number(*y))
        .draw()?;
    for (number, colour) in COLOURS.iter().cycle().take(series.len()).enumerate() {
        for (group, (_, values)) in groups.iter().enumerate() {
            let Some(value) = values.get(number).copied().flatten() else {
                continue;
            };
            let left = group as f64 + GAP + number as f64 * bar_width;
            let bar = [(left, 0.0), (left + bar_width * 0.92, value)];
            chart.draw_series([Rectangle::new(bar, colour.filled())])?;
            let (x, y) = chart.backend_coord(&(left, value));
            let said = self::number(value);
            area.draw(&Text::new(said, (x, y - 16), (FONT, 12).into_font()))?;
        }
    }
    for (group, (name, _)) in groups.iter().enumerate() {
        let (x, y) = chart.backend_coord(&(group as f64 + GAP, 0.0));
        area.draw(&Text::new(*name, (x, y + 8), (FONT, 13).into_font()))?;
    }
    draw_names(&area, series.iter().copied())?;
    area.present()?;
    Ok(())
}

/// What each colour stands for, beside the plot, where it hides nothing.
fn draw_names<'a>(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), Box<dyn Error>> {
    const LINE: usize = 20;
    let x = (WIDTH - RIGHT + 12) as i32;
    for (number, (name, colour)) in names.zip(COLOURS.iter().cycle()).enumerate() {
        let y = MARGIN as i32 + (number * LINE) as i32;
        area.draw(&Rectangle::new([(x, y), (x + 14, y + 10)], colour.filled()))?;
        area.draw(&Text::new(name, (x + 20, y - 2), (FONT, 13).into_font()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_marks_and_names_are_drawn() {
        let line = Line::new("delivery p99", vec![(0.0, 1.0), (1.0, 200.0)]);
        let mark = Mark {
            at_seconds: 0.5,
            lasted_seconds: 0.1,
            label: "redis killed".to_owned(),
        };
        let hidden = Mark {
            at_seconds: 0.501,
            label: "redis back".to_owned(),
            ..mark.clone()
        };
        let axes = Axes::new("seconds", "ms").logarithmic();
        let svg = lines(&axes, &[line], &[mark, hidden]).unwrap();
        for word in ["<svg", "delivery p99", "redis killed", "<polyline"] {
            assert!(svg.contains(word), "{word} is missing in {svg}");
        }
        assert!(!svg.contains("redis back"), "it would cover the other one");
    }

    #[test]
    fn a_stretch_in_which_nothing_came_is_a_gap() {
        let values = [2.0, 3.0, 0.0, 0.0, 3.0, 2.0];
        let line = [Line::new("p99", (0..).map(f64::from).zip(values).collect())];
        let axes = Axes::new("seconds", "ms");
        let runs = |axes: &Axes<'_>| {
            let svg = lines(axes, &line, &[]).unwrap();
            svg.matches("stroke-width=\"2\" points=").count()
        };
        assert_eq!((runs(&axes), runs(&axes.logarithmic())), (1, 2));
    }

    #[test]
    fn what_was_not_measured_is_not_drawn() {
        assert_eq!(
            lines(&Axes::new("s", "ms"), &[Line::new("x", vec![])], &[]),
            None
        );
        assert_eq!(bars("ms", &["a"], &[("x", vec![None])]), None);
    }

    #[test]
    fn each_nine_is_as_wide_as_the_one_before() {
        assert!((nines(99.0) - 2.0 * nines(90.0)).abs() < 1e-9);
        assert_eq!(Scale::Percentiles.x_label(3.0), "99.90");
    }
}
