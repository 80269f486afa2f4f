//! The committed hyper-parameters are those that the committed searches found on validation data.

use seoro_lab::command::search::{self, Try};
use seoro_lab::data;
use seoro_lab::paper::{self, Part};
use seoro_lab::vectors::vector_search_key;
use seoro_lab::{rows, workplace};

#[test]
fn recipes_are_what_the_searches_found() {
    let root = workplace::root();
    let mut logs = 0;
    for paper in paper::read_all(&root.join("docs/papers")).unwrap().recommenders {
        for (row, (dataset, usage)) in
            paper.rows.iter().flat_map(|row| paper.datasets.iter().map(move |dataset| (row, dataset)))
        {
            for part in [Part::AsPublished, Part::Honest].into_iter().filter(|&part| row.is_in(part)) {
                let Some(search) = row.search(dataset, part) else { continue };
                let name = search::log_name(&paper.name, dataset, &row.name, part);
                let path = root.join("docs/results/search").join(&name);
                let name = name.display();
                // The honest part may take the published part's recipe, which the table then says.
                if part == Part::Honest && !path.exists() {
                    assert!(!row.has_own_recipe(dataset, part), "{name} is not committed");
                    continue;
                }
                let tries: Vec<Try> = rows::read(&path).unwrap();
                let protocol = paper.protocol(part);
                let best = search::best(&tries, &protocol.select);
                let best = best.unwrap_or_else(|| panic!("{name} is not committed"));
                let data = data::fingerprint_of(usage.source(dataset)).unwrap();
                let key = search::search_key(row, search, &data, usage, protocol).unwrap();
                assert!(
                    tries.iter().all(|tried| tried.key == key),
                    "{name}: of other data, protocol or code"
                );
                assert!(
                    tries.iter().all(|tried| tried.threads == tries[0].threads),
                    "{name}: of other threads"
                );
                assert_eq!(row.recipe_table(dataset, part), best.found(), "{name}");
                logs += 1;
            }
        }
    }
    assert!(logs > 0, "no search log is committed");
}

#[test]
fn recipes_of_vectors_are_what_the_searches_found() {
    let root = workplace::root();
    let mut logs = 0;
    for paper in paper::read_all(&root.join("docs/papers")).unwrap().vectors {
        for (row, (&task, usage)) in
            paper.rows.iter().flat_map(|row| paper.datasets.iter().map(move |dataset| (row, dataset)))
        {
            if row.search(task).is_none() {
                continue;
            }
            let name = search::log_name(&paper.name, task.name(), &row.name, Part::AsPublished);
            let tries: Vec<Try<String>> = rows::read(&root.join("docs/results/search").join(&name)).unwrap();
            let name = name.display();
            let key = vector_search_key(row, task, &task.fingerprint(usage).unwrap()).unwrap();
            assert!(tries.iter().all(|tried| tried.key == key), "{name}: of other data or code");
            let select = task.select().expect("a measure to choose by").to_owned();
            let best = search::best(&tries, &select).unwrap_or_else(|| panic!("{name} is not committed"));
            assert!(tries.iter().all(|tried| tried.threads == tries[0].threads), "{name}: of other threads");
            assert_eq!(row.recipe(task), Some(&best.recipe), "{name}");
            logs += 1;
        }
    }
    assert!(logs > 0, "no search log is committed");
}
