//! The committed hyper-parameters are those that the committed searches found on validation data.

use seoro_lab::command::search::{self, Try};
use seoro_lab::paper::{self, Part};
use seoro_lab::{rows, workplace};

#[test]
fn recipes_are_what_the_searches_found() {
    let root = workplace::root();
    let mut logs = 0;
    for paper in paper::read_all(&root.join("docs/papers")).unwrap() {
        for (row, dataset) in paper.rows.iter().flat_map(|row| row.searches.keys().map(move |key| (row, key)))
        {
            for part in [Part::AsPublished, Part::Honest] {
                let name = search::log_name(&paper.name, dataset, &row.name, part);
                let tries: Vec<Try> = rows::read(&root.join("docs/results/search").join(&name)).unwrap();
                let Some(best) = search::best(&tries, paper.protocol(part).select) else {
                    // The honest part may take the published part's recipe; that one must have been searched for.
                    assert_eq!(part, Part::Honest, "{} is not committed", name.display());
                    continue;
                };
                logs += 1;
                assert_eq!(row.recipe_table(dataset, part), best.found(), "{}", name.display());
            }
        }
    }
    assert!(logs > 0, "no search log is committed");
}
