//! The choice of parameters: for each build setting the smallest effort that reaches a recall, of these the fastest.

use crate::LabError;

/// A library with a grid of build settings, whose indexes can be searched with the first half of the queries.
pub trait Side {
    /// How many build settings there are.
    fn settings(&self) -> usize;

    /// Makes the index of a setting the one that is searched.
    ///
    /// # Errors
    /// A build that fails.
    fn open(&mut self, setting: usize) -> Result<(), LabError>;

    /// The least and the most effort that make sense for a setting.
    fn efforts(&self, setting: usize) -> (usize, usize);

    /// Searches the index of a setting, which is open, with all queries.
    ///
    /// # Errors
    /// A search that fails.
    fn search(&mut self, setting: usize, effort: usize) -> Result<Probe, LabError>;
}

/// What one search of all queries gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    /// How long it took.
    pub seconds: f64,
    /// What it found.
    pub recall: f64,
}

/// The setting and effort that were chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The number of the setting.
    pub setting: usize,
    /// The effort.
    pub effort: usize,
    /// What it gave on the first half.
    pub probe: Probe,
}

/// How often a setting is timed at its effort: the fastest counts, since others can only slow a search down.
const TIMED: usize = 5;

/// How much slower than the best setting a search may be that does not find enough, before its setting is given up:
/// more effort takes longer still.
const HOPELESS: f64 = 1.5;

/// The fastest of the settings, each at the smallest effort that reaches the recall `wanted`: doubled until it is reached,
/// then halved in between, to within a hundredth. Nothing where no setting reaches it.
///
/// # Errors
/// Those of the side.
pub fn choose(side: &mut dyn Side, wanted: f64) -> Result<Option<Choice>, LabError> {
    let mut choices: Vec<Choice> = Vec::new();
    let mut fastest = f64::INFINITY;
    for setting in 0..side.settings() {
        side.open(setting)?;
        let Some(effort) = smallest(side, setting, wanted, HOPELESS * fastest)? else { continue };
        let mut probe = side.search(setting, effort)?;
        probe.seconds = probe.seconds.min(side.search(setting, effort)?.seconds);
        fastest = fastest.min(probe.seconds);
        choices.push(Choice { setting, effort, probe });
    }
    choices.retain(|choice| choice.probe.seconds <= HOPELESS * fastest);
    if choices.len() > 1 {
        time_in_turn(side, &mut choices)?;
    }
    Ok(choices.into_iter().min_by(|a, b| a.probe.seconds.total_cmp(&b.probe.seconds)))
}

/// Times each choice, all of them in each round: a machine that is slow for a while is so for all.
fn time_in_turn(side: &mut dyn Side, choices: &mut [Choice]) -> Result<(), LabError> {
    for _ in 0..TIMED {
        for Choice { setting, effort, probe } in choices.iter_mut() {
            side.open(*setting)?;
            // The first search after another index finds nothing of its own in the caches.
            side.search(*setting, *effort)?;
            probe.seconds = probe.seconds.min(side.search(*setting, *effort)?.seconds);
        }
    }
    Ok(())
}

fn smallest(
    side: &mut dyn Side,
    setting: usize,
    wanted: f64,
    give_up: f64,
) -> Result<Option<usize>, LabError> {
    let (least, most) = side.efforts(setting);
    let (mut below, mut effort) = (0, least.max(1));
    loop {
        let probe = side.search(setting, effort)?;
        if probe.recall >= wanted {
            break;
        }
        if effort >= most || probe.seconds > give_up {
            return Ok(None);
        }
        below = effort;
        effort = effort.saturating_mul(2).min(most);
    }
    // Nothing below the least makes sense.
    below = below.max(least.max(1) - 1);
    while effort - below > 1 + effort / 100 {
        let middle = below + (effort - below) / 2;
        if side.search(setting, middle)?.recall >= wanted { effort = middle } else { below = middle }
    }
    Ok(Some(effort))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settings with a recall of `1 − (1 + effort)^−power`, at `cost` seconds an effort.
    struct Synthetic {
        settings: Vec<(f64, f64)>,
        most: usize,
        open: Option<usize>,
        searches: usize,
    }

    impl Synthetic {
        fn new(settings: &[(f64, f64)]) -> Self {
            Self { settings: settings.to_vec(), most: 10_000, open: None, searches: 0 }
        }
    }

    impl Side for Synthetic {
        fn settings(&self) -> usize {
            self.settings.len()
        }

        fn open(&mut self, setting: usize) -> Result<(), LabError> {
            self.open = Some(setting);
            Ok(())
        }

        fn efforts(&self, _: usize) -> (usize, usize) {
            (10, self.most)
        }

        fn search(&mut self, setting: usize, effort: usize) -> Result<Probe, LabError> {
            assert_eq!(self.open, Some(setting), "searched before it was opened");
            assert!((10..=self.most).contains(&effort), "effort {effort}");
            self.searches += 1;
            let (power, cost) = self.settings[setting];
            Ok(Probe { seconds: cost * effort as f64, recall: 1.0 - (1.0 + effort as f64).powf(-power) })
        }
    }

    #[test]
    fn the_fastest_setting_at_its_smallest_effort() {
        // A recall of .99 takes (power 1) an effort of 99, and (power 0.8) one of 315.2.
        let mut side = Synthetic::new(&[(0.8, 1.0), (1.0, 2.0), (0.8, 5.0)]);
        let choice = choose(&mut side, 0.99).unwrap().unwrap();
        assert_eq!(choice.setting, 1);
        assert!((99..=100).contains(&choice.effort), "{}", choice.effort);
        assert!(choice.probe.recall >= 0.99 && choice.probe.seconds == 2.0 * choice.effort as f64);
        let slower = choose(&mut Synthetic::new(&[(0.8, 0.5), (1.0, 2.0)]), 0.99).unwrap().unwrap();
        assert_eq!(slower.setting, 0);
        assert!((316..=319).contains(&slower.effort), "{}", slower.effort);
    }

    #[test]
    fn a_recall_that_the_least_effort_reaches() {
        let choice = choose(&mut Synthetic::new(&[(2.0, 1.0)]), 0.9).unwrap().unwrap();
        assert_eq!(choice.effort, 10);
    }

    #[test]
    fn nothing_where_no_setting_reaches_the_recall() {
        let mut side = Synthetic::new(&[(0.1, 1.0)]);
        assert_eq!(choose(&mut side, 0.99).unwrap(), None);
        let mut both = Synthetic::new(&[(0.1, 1.0), (1.0, 1.0)]);
        assert_eq!(choose(&mut both, 0.99).unwrap().unwrap().setting, 1);
    }

    #[test]
    fn a_setting_that_cannot_win_is_given_up() {
        let searches = |settings: &[(f64, f64)]| {
            let mut side = Synthetic::new(settings);
            choose(&mut side, 0.99).unwrap();
            side.searches
        };
        let alone = searches(&[(1.0, 1.0)]);
        assert_eq!(searches(&[(1.0, 1.0), (1.0, 100.0)]), alone + 1);
    }

    /// A machine that is slower until some searches are done.
    struct Slow(Synthetic, usize);

    impl Side for Slow {
        fn settings(&self) -> usize {
            self.0.settings()
        }

        fn open(&mut self, setting: usize) -> Result<(), LabError> {
            self.0.open(setting)
        }

        fn efforts(&self, setting: usize) -> (usize, usize) {
            self.0.efforts(setting)
        }

        fn search(&mut self, setting: usize, effort: usize) -> Result<Probe, LabError> {
            let Probe { seconds, recall } = self.0.search(setting, effort)?;
            let slow = if self.0.searches < self.1 { 1.4 } else { 1.0 };
            Ok(Probe { seconds: slow * seconds, recall })
        }
    }

    #[test]
    fn a_slow_while_decides_nothing() {
        let settings = [(1.0, 1.0), (1.0, 1.2)];
        let alone = {
            let mut side = Synthetic::new(&settings[..1]);
            choose(&mut side, 0.99).unwrap();
            side.searches
        };
        // The better setting is slow for as long as it is looked at alone.
        let mut side = Slow(Synthetic::new(&settings), alone + 1);
        assert_eq!(choose(&mut side, 0.99).unwrap().unwrap().setting, 0);
    }
}
