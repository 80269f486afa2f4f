//! Several plots in one page.

use super::marks::{Groups, Mark};
use super::text::escaped;
use super::{FigureError, Scatter, svg};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// An HTML page with plots beside each other, or below each other on a phone, that needs nothing else: pointing at a point
/// shows its label, and marks the points of this label in all plots; so does a search for what labels contain.
///
/// A group looks the same in all plots. Without scripts the plots are there all the same.
///
/// ```
/// use seoro_eval::figure::{Point, Scatter, page};
/// let point = |x| Point { x, y: x, label: "Alien".into(), group: "films".into() };
/// let html = page("Two maps", &[Scatter::new("A", vec![point(0.0)]), Scatter::new("B", vec![point(1.0)])])?;
/// assert_eq!(html.matches("<title>Alien</title>").count(), 2);
/// # Ok::<(), seoro_eval::figure::FigureError>(())
/// ```
///
/// # Errors
/// No plot, or one of those of [`Scatter::svg`].
pub fn page(title: &str, plots: &[Scatter]) -> Result<String, FigureError> {
    if plots.is_empty() {
        return Err(FigureError::Empty { what: "plots" });
    }
    plots.iter().try_for_each(Scatter::check)?;
    let groups = Groups::of(plots);
    let figures: Vec<String> = plots.iter().map(|plot| figure(plot, &groups)).collect();
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n\
         <label>Search <input type=\"search\" id=\"search\" autocomplete=\"off\"/></label>\n\
         <output id=\"found\" for=\"search\"></output>\n</header>\n\
         <main>\n{figures}</main>\n<div id=\"tip\" hidden=\"hidden\"></div>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        title = escaped(title),
        figures = figures.concat(),
    ))
}

/// A plot with its title and legend as text of the page, which keeps its size where the plot is small.
fn figure(plot: &Scatter, groups: &Groups<'_>) -> String {
    let key = |(name, mark, members): (&str, Mark, Vec<usize>)| {
        let (mark, colour) = (mark.draw((5.0, 5.0), 4.0, ""), mark.colour);
        let text = escaped(&format!("{name} ({})", members.len()));
        format!("<li><svg viewBox=\"0 0 10 10\" fill=\"{colour}\">{mark}</svg>{text}</li>\n")
    };
    format!(
        "<figure>\n<h2>{}</h2>\n{}<ul>\n{}</ul>\n</figure>\n",
        escaped(&plot.title),
        svg::draw_bare(plot, groups),
        groups.within(plot).into_iter().map(key).collect::<String>()
    )
}
