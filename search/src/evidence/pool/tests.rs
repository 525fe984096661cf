use proptest::prelude::*;

use super::*;

/// Borenstein et al. (2009), table 14.1: mean, standard deviation and number of the treated and of
/// the others, in six studies.
const SIX_STUDIES: [[f64; 6]; 6] = [
    [94.0, 22.0, 60.0, 92.0, 20.0, 60.0],
    [98.0, 21.0, 65.0, 92.0, 22.0, 65.0],
    [98.0, 28.0, 40.0, 88.0, 26.0, 40.0],
    [94.0, 19.0, 200.0, 82.0, 17.0, 200.0],
    [98.0, 21.0, 50.0, 88.0, 22.0, 45.0],
    [96.0, 21.0, 85.0, 92.0, 22.0, 85.0],
];

/// Trials of the BCG vaccine (Colditz et al. 1994, *JAMA* 271): those with and without tuberculosis
/// among the vaccinated, the same among others, and the latitude.
const BCG: [[f64; 5]; 13] = [
    [4.0, 119.0, 11.0, 128.0, 44.0],
    [6.0, 300.0, 29.0, 274.0, 55.0],
    [3.0, 228.0, 11.0, 209.0, 42.0],
    [62.0, 13_536.0, 248.0, 12_619.0, 52.0],
    [33.0, 5_036.0, 47.0, 5_761.0, 13.0],
    [180.0, 1_361.0, 372.0, 1_079.0, 44.0],
    [8.0, 2_537.0, 10.0, 619.0, 19.0],
    [505.0, 87_886.0, 499.0, 87_892.0, 13.0],
    [29.0, 7_470.0, 45.0, 7_232.0, 27.0],
    [17.0, 1_699.0, 65.0, 1_600.0, 42.0],
    [186.0, 50_448.0, 141.0, 27_197.0, 18.0],
    [5.0, 2_493.0, 3.0, 2_338.0, 33.0],
    [27.0, 16_886.0, 29.0, 17_825.0, 33.0],
];

fn estimates(pairs: &[(f64, f64)]) -> Vec<Estimate> {
    pairs.iter().map(|&(effect, variance)| Estimate { effect, variance }).collect()
}

/// Hedges' g.
fn six_studies() -> Vec<Estimate> {
    let g = |[mean, sd, n, other_mean, other_sd, other_n]: [f64; 6]| {
        let pooled =
            ((n - 1.0) * sd * sd + (other_n - 1.0) * other_sd * other_sd) / (n + other_n - 2.0);
        let d = (mean - other_mean) / pooled.sqrt();
        let w = 1.0 - 3.0 / (4.0 * (n + other_n) - 9.0);
        let variance = 1.0 / n + 1.0 / other_n + d * d / (2.0 * (n + other_n));
        Estimate { effect: w * d, variance: w * w * variance }
    };
    SIX_STUDIES.map(g).to_vec()
}

/// Log risk ratios.
fn bcg() -> Vec<Estimate> {
    let log_risk_ratio = |[a, b, c, d, _]: [f64; 5]| Estimate {
        effect: (a / (a + b) / (c / (c + d))).ln(),
        variance: 1.0 / a - 1.0 / (a + b) + 1.0 / c - 1.0 / (c + d),
    };
    BCG.map(log_risk_ratio).to_vec()
}

#[track_caller]
fn near(found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() <= within, "{found} is not {expected}");
}

// Borenstein et al. (2009), chapter 14, "Continuous example".
#[test]
fn the_worked_example_of_a_textbook_comes_out() {
    let six = six_studies();
    let fixed = pool(&six, Method::FixedEffect).unwrap();
    near(fixed.estimate, 0.414_2, 1e-4);
    near(fixed.se, 0.064_0, 6e-5);
    let random = pool(&six, Method::DerSimonianLaird).unwrap();
    near(random.q, 12.003_3, 5e-5);
    near(random.tau2, 0.037_2, 2e-4);
    near(random.i2, 58.34, 6e-3);
    near(random.estimate, 0.358_2, 2e-4);
    near(random.se, 0.105_5, 3e-4);
    near(random.i2_tau2, random.i2, 1e-12);
    near(fixed.weights[3], 0.39, 5e-3);
}

// Viechtbauer (2005, 2007, 2010) and the documentation of the R package metafor, on these trials.
#[test]
fn the_trials_of_a_vaccine_pool_to_what_was_published() {
    let trials = bcg();
    for (method, tau2, estimate, se) in [
        (Method::FixedEffect, 0.0, -0.430_3, 0.040_5),
        (Method::DerSimonianLaird, 0.308_8, -0.714_1, 0.178_7),
        (Method::Reml, 0.313_2, -0.714_5, 0.179_8),
        (Method::MaximumLikelihood, 0.280_0, -0.711_2, 0.171_9),
        (Method::PauleMandel, 0.318_1, -0.715_0, 0.180_9),
        (Method::Hedges, 0.328_6, -0.715_9, 0.183_3),
    ] {
        let pooled = pool(&trials, method).unwrap();
        near(pooled.tau2, tau2, 6e-5);
        near(pooled.estimate, estimate, 6e-5);
        near(pooled.se, se, 6e-5);
    }
    let pooled = pool(&trials, Method::Reml).unwrap();
    near(pooled.q, 152.233_0, 5e-5);
    near(pooled.ci_low, -1.066_9, 6e-5);
    near(pooled.ci_high, -0.362_2, 6e-5);
    near(pooled.i2_tau2, 92.22, 5e-3);
    let (low, high) = pooled.tau2_interval.unwrap();
    near(low, 0.119_7, 6e-5);
    near(high, 1.111_5, 6e-5);
}

/// The τ² of Paule and Mandel is the one at which the estimates lie as far apart as expected.
#[test]
fn with_paule_and_mandel_the_two_standard_errors_are_one() {
    let pooled = pool(&bcg(), Method::PauleMandel).unwrap();
    near(pooled.hksj.unwrap().se, pooled.se, 1e-12);
    near(pooled.hksj_never_shrinks.unwrap().se, pooled.se, 1e-12);
}

// The documentation of metafor; its search for τ² ends within 1e-5.
#[test]
fn a_moderator_accounts_for_what_was_published() {
    let trials: Vec<_> = bcg().into_iter().zip(BCG.map(|trial| trial[4])).collect();
    let moderated = moderator(&trials).unwrap();
    near(moderated.intercept.estimate, 0.251_5, 6e-5);
    near(moderated.intercept.se, 0.249_1, 6e-5);
    near(moderated.slope.estimate, -0.029_1, 6e-5);
    near(moderated.slope.se, 0.007_2, 6e-5);
    near(moderated.slope.estimate / moderated.slope.se, -4.044_4, 2e-4);
    near(moderated.tau2, 0.076_4, 6e-5);
    near(moderated.r2.unwrap(), 75.62, 1e-2);
    near(moderated.q_residual, 30.733_1, 6e-5);
    assert_eq!(moderated.q_df, 11);
}

/// The line through twelve made-up estimates.
// From a program of its own in Python with NumPy and SciPy, which finds τ² on a grid of the restricted
// likelihood and then where its derivative y′PPy − tr P, of whole matrices, is 0.
#[test]
fn a_line_over_a_moderator_matches_another_program() {
    let effects = [0.95, 0.05, 0.45, 0.61, -0.15, 0.52, 0.12, 0.47, -0.18, 0.40, -0.05, 0.42];
    let variances = [0.02, 0.035, 0.015, 0.05, 0.025, 0.04, 0.03, 0.018, 0.022, 0.06, 0.028, 0.033];
    let moderators = [3.0, 9.0, 4.0, 5.0, 12.0, 2.0, 10.0, 6.0, 8.0, 6.0, 14.0, 7.0];
    let pairs: Vec<_> = effects.into_iter().zip(variances).collect();
    let points: Vec<_> = estimates(&pairs).into_iter().zip(moderators).collect();
    let line = moderator(&points).unwrap();
    for (found, expected) in [
        (line.tau2, 0.021_828_360_265_3),
        (line.r2.unwrap(), 77.490_364_315_6),
        (line.q_residual, 17.361_512_358_5),
        (line.q_p, 0.066_737_678_315_3),
        (line.intercept.estimate, 0.875_934_278_095_8),
        (line.intercept.se, 0.148_030_217_628_7),
        (line.slope.estimate, -0.080_516_397_905_0),
        (line.slope.se, 0.018_564_364_577_5),
        (line.slope.ci_low, -0.116_901_883_872_9),
        (line.slope.ci_high, -0.044_130_911_937_2),
        (line.slope.p, 0.000_014_434_339_3),
        (line.slope.hksj.se, 0.017_509_916_844_3),
        (line.slope.hksj.ci_low, -0.119_530_923_920_9),
        (line.slope.hksj.p, 0.000_982_627_602_0),
        (line.slope.hksj_never_shrinks.se, 0.018_564_364_577_5),
        (line.slope.hksj_never_shrinks.ci_low, -0.121_880_379_882_7),
        (line.slope.hksj_never_shrinks.ci_high, -0.039_152_415_927_4),
        (line.slope.hksj_never_shrinks.p, 0.001_472_945_634_8),
    ] {
        near(found, expected, 1e-9);
    }
}

#[test]
fn eggers_test_matches_a_published_one() {
    let test = egger(&bcg()).unwrap();
    near(test.t, -1.401_3, 6e-5);
    near(test.p, 0.188_7, 6e-5);
    assert_eq!(test.df, 11);
}

/// With equal variances v and the effects' own variance s², each estimator has a closed form.
#[test]
fn equal_variances_give_every_method_its_closed_form() {
    let (v, effects) = (0.02, [0.1, 0.5, 0.9, -0.3, 0.4]);
    let k = effects.len() as f64;
    let mean = effects.iter().sum::<f64>() / k;
    let squares: f64 = effects.iter().map(|effect| (effect - mean) * (effect - mean)).sum();
    let same = estimates(&effects.map(|effect| (effect, v)));
    let unbiased = squares / (k - 1.0) - v;
    for method in Method::ALL {
        let pooled = pool(&same, method).unwrap();
        let tau2 = match method {
            Method::FixedEffect => 0.0,
            Method::MaximumLikelihood => squares / k - v,
            Method::Reml | Method::DerSimonianLaird | Method::PauleMandel | Method::Hedges => {
                unbiased
            }
        };
        near(pooled.tau2, tau2, 1e-13);
        near(pooled.estimate, mean, 1e-14);
        near(pooled.se, ((v + tau2) / k).sqrt(), 1e-13);
        assert!(pooled.weights.iter().all(|weight| (weight - 0.2).abs() < 1e-14));
        // Q = Σ(y − ȳ)²/(v + τ²) is solved by hand.
        let (low, high) = pooled.tau2_interval.unwrap();
        near(low, squares / 11.143_286_781_877_8 - v, 1e-10);
        near(high, squares / 0.484_418_557_087_93 - v, 1e-9);
        // The interval of the plain mean, which the weights leave as it is.
        near(pooled.hksj.unwrap().se, (squares / (k - 1.0) / k).sqrt(), 1e-13);
    }
}

#[test]
fn one_estimate_is_given_back_and_says_nothing_about_others() {
    for method in Method::ALL {
        let pooled = pool(&estimates(&[(0.4, 0.04)]), method).unwrap();
        near(pooled.estimate, 0.4, 1e-15);
        near(pooled.se, 0.2, 1e-15);
        near(pooled.p, 0.045_5, 1e-5);
        assert_eq!((pooled.k, pooled.tau2, pooled.q_df), (1, 0.0, 0));
        assert_eq!((pooled.q, pooled.q_p, pooled.i2), (0.0, 1.0, 0.0));
        assert_eq!((pooled.tau2_interval, pooled.hksj, pooled.prediction), (None, None, None));
    }
}

#[test]
fn two_estimates_have_an_interval_on_one_degree_and_no_prediction() {
    let pooled = pool(&estimates(&[(0.0, 0.01), (1.0, 0.01)]), Method::Reml).unwrap();
    near(pooled.tau2, 0.49, 1e-13);
    let hksj = pooled.hksj.unwrap();
    near(hksj.se, 0.5, 1e-13);
    near(hksj.ci_high - hksj.ci_low, 2.0 * 12.706_204_736_2 * 0.5, 1e-9);
    assert_eq!(pooled.prediction, None);
    assert!(pool(&six_studies(), Method::Reml).unwrap().prediction.is_some());
    assert_eq!(pool(&six_studies(), Method::FixedEffect).unwrap().prediction, None);
}

#[test]
fn equal_effects_differ_by_nothing_and_do_not_shrink_the_interval_to_a_point() {
    for effect in [0.0, 0.25] {
        let equal = estimates(&[(effect, 0.04), (effect, 0.02), (effect, 0.04)]);
        for method in Method::ALL {
            let pooled = pool(&equal, method).unwrap();
            assert_eq!((pooled.tau2, pooled.tau2_interval), (0.0, Some((0.0, 0.0))));
            assert_eq!((pooled.q, pooled.q_p, pooled.i2, pooled.i2_tau2), (0.0, 1.0, 0.0, 0.0));
            near(pooled.se, 0.1, 1e-15);
            let plain = pooled.hksj.unwrap();
            assert_eq!((plain.se, plain.ci_low, plain.ci_high), (0.0, effect, effect));
            assert_eq!(plain.p, if effect == 0.0 { 1.0 } else { 0.0 });
            near(pooled.hksj_never_shrinks.unwrap().se, 0.1, 1e-15);
        }
    }
}

#[test]
fn what_lies_closer_than_chance_has_a_tau2_of_exactly_0() {
    let close = estimates(&[(0.10, 0.04), (0.12, 0.05), (0.09, 0.03), (0.11, 0.06)]);
    for method in Method::ALL {
        let pooled = pool(&close, method).unwrap();
        assert_eq!((pooled.tau2, pooled.i2, pooled.i2_tau2), (0.0, 0.0, 0.0));
        assert_eq!(pooled.tau2_interval, Some((0.0, 0.0)));
        near(pooled.estimate, pool(&close, Method::FixedEffect).unwrap().estimate, 1e-15);
    }
}

/// Q = (0.5 − 0.3)²/(0.02 + 0.02) = 1 on one degree, where each of these has its end at 0.
#[test]
fn a_tau2_on_the_very_edge_of_0_is_0() {
    let edge = estimates(&[(0.3, 0.02), (0.5, 0.02)]);
    for method in [Method::Reml, Method::PauleMandel] {
        assert_eq!(pool(&edge, method).unwrap().tau2, 0.0);
    }
}

/// One estimate that is far more precise than the others has a local maximum of the likelihood at 0
/// beside the one elsewhere; the higher of the two is wanted.
#[test]
fn of_several_maxima_of_a_likelihood_the_highest_is_taken() {
    let uneven = estimates(&[(0.0, 1e-6), (0.003, 1e-6), (4.0, 1.0), (-4.0, 1.0), (5.0, 1.0)]);
    let bounds = tau2::Bounds::of(&uneven, 1);
    let likelihood = |tau2: f64| {
        let mean = Mean::of(&uneven, tau2);
        tau2::log_likelihood(&uneven, tau2, mean.spread) - 0.5 * mean.weight.ln()
    };
    let found = pool(&uneven, Method::Reml).unwrap().tau2;
    let best = (0..=20_000)
        .map(|step| likelihood(1e-9 * (bounds.most() / 1e-9).powf(f64::from(step) / 20_000.0)))
        .fold(likelihood(0.0), f64::max);
    assert!(likelihood(found) >= best - 1e-9, "{found}: {} is below {best}", likelihood(found));
}

#[test]
fn leaving_one_out_pools_the_others() {
    let six = six_studies();
    let all = leave_one_out(&six, Method::DerSimonianLaird).unwrap();
    assert_eq!(all.len(), 6);
    let pooled = pool(&[&six[..3], &six[4..]].concat(), Method::DerSimonianLaird).unwrap();
    let Pooled { estimate, se, ci_low, ci_high, tau2, .. } = pooled;
    assert_eq!(all[3], Others { estimate, se, ci_low, ci_high, tau2 });
    assert!(all[3].estimate < all[0].estimate);
    let one = estimates(&[(0.1, 0.1)]);
    assert_eq!(
        leave_one_out(&one, Method::Reml).unwrap_err().to_string(),
        "leaving one out needs at least 2 estimates, and there are 1"
    );
    let many = vec![one[0]; LEAVE_ONE_OUT_MOST + 1];
    assert_eq!(
        leave_one_out(&many, Method::Reml),
        Err(PoolError::TooMany { k: 1_001, most: 1_000 })
    );
}

/// By the fixed effect, Q falls into what lies within subgroups and between them.
#[test]
fn subgroups_account_for_all_of_q() {
    let labelled: Vec<_> = six_studies()
        .into_iter()
        .zip(["primary", "secondary", "primary", "secondary", "secondary", "primary"])
        .map(|(estimate, label)| (label.to_owned(), estimate))
        .collect();
    let groups = subgroups(&labelled, Method::FixedEffect).unwrap();
    let within: f64 = groups.pooled.values().map(|pooled| pooled.q).sum();
    let total = pool(&six_studies(), Method::FixedEffect).unwrap().q;
    near(groups.q_between, total - within, 1e-12);
    assert_eq!((groups.df, groups.pooled["primary"].k, groups.pooled["secondary"].k), (1, 3, 3));
    near(groups.p, chi_squared_p(groups.q_between, 1), 1e-15);

    let one = subgroups(&labelled[..1], Method::Reml).unwrap();
    assert_eq!((one.q_between, one.df, one.p), (0.0, 0, 1.0));
    let mut wrong = labelled;
    wrong[4].1.variance = 0.0;
    assert_eq!(
        subgroups(&wrong, Method::Reml).unwrap_err().to_string(),
        "estimate 5: the variance 0 must be above 0, and from 1e-18 to 1e18"
    );
}

#[test]
fn what_cannot_be_pooled_is_named_with_its_row_value_and_rule() {
    for (row, effect, variance, message) in [
        (0, f64::NAN, 0.1, "estimate 1: the effect NaN must be a number from -1e9 to 1e9"),
        (1, f64::INFINITY, 0.1, "estimate 2: the effect inf must be a number from -1e9 to 1e9"),
        (2, 0.1, 0.0, "estimate 3: the variance 0 must be above 0, and from 1e-18 to 1e18"),
        (2, 0.1, -0.1, "estimate 3: the variance -0.1 must be above 0, and from 1e-18 to 1e18"),
        (2, 0.1, f64::NAN, "estimate 3: the variance NaN must be above 0, and from 1e-18 to 1e18"),
        (
            2,
            0.1,
            f64::INFINITY,
            "estimate 3: the variance inf must be above 0, and from 1e-18 to 1e18",
        ),
    ] {
        let mut six = six_studies();
        six[row] = Estimate { effect, variance };
        assert_eq!(pool(&six, Method::Reml).unwrap_err().to_string(), message);
    }
    assert_eq!(
        pool(&[], Method::Reml).unwrap_err().to_string(),
        "there are no estimates to pool; at least 1 is needed"
    );
    let many = vec![Estimate { effect: 0.1, variance: 0.1 }; MAX_ESTIMATES + 1];
    assert_eq!(
        pool(&many, Method::Reml).unwrap_err().to_string(),
        "there are 20001 estimates; at most 20000 are taken"
    );
}

#[test]
fn what_cannot_be_tested_or_compared_says_what_it_takes() {
    let nine = &bcg()[..9];
    assert_eq!(
        egger(nine).unwrap_err().to_string(),
        "Egger's test needs at least 10 estimates, and there are 9"
    );
    let same: Vec<_> = bcg().into_iter().map(|one| Estimate { variance: 0.3, ..one }).collect();
    assert_eq!(
        egger(&same).unwrap_err().to_string(),
        "Egger's test needs estimates that differ in their variance, and all have the same"
    );
    let with = |value: f64| bcg().into_iter().map(|one| (one, value)).collect::<Vec<_>>();
    let sums = |first: f64, others: f64| {
        let mut points = with(others);
        points[0].1 = first;
        points
    };
    assert_eq!(
        moderator(&with(3.0)[..9]).unwrap_err().to_string(),
        "a comparison by a moderator needs at least 10 estimates, and there are 9"
    );
    assert_eq!(
        moderator(&with(3.0)).unwrap_err().to_string(),
        "a comparison by a moderator needs estimates that differ in their moderator, and all \
         have the same"
    );
    assert_eq!(
        moderator(&sums(0.3, 0.1 + 0.2)).unwrap_err().to_string(),
        moderator(&with(0.3)).unwrap_err().to_string(),
        "what rounding leaves is no difference"
    );
    assert!(moderator(&sums(0.3, 0.300_001)).is_ok());
    assert_eq!(
        moderator(&with(f64::NAN)).unwrap_err().to_string(),
        "estimate 1: the moderator NaN must be a number from -1e9 to 1e9"
    );
}

fn any_estimate() -> impl Strategy<Value = Estimate> {
    let effect = prop_oneof![
        8 => -2.0..2.0,
        1 => proptest::num::f64::ANY,
        1 => proptest::sample::select(vec![0.0, 1e9, -1e9]),
    ];
    let variance = prop_oneof![
        6 => 0.001..1.0,
        3 => (-18.0..18.0).prop_map(|exponent: f64| 10.0_f64.powf(exponent)),
        1 => proptest::num::f64::ANY,
    ];
    (effect, variance).prop_map(|(effect, variance)| Estimate { effect, variance })
}

fn usable_estimate() -> impl Strategy<Value = Estimate> {
    any_estimate().prop_filter("one that can be pooled", |one| one.check().is_ok())
}

proptest! {
    #[test]
    fn whatever_is_given_there_is_an_answer(given in proptest::collection::vec(any_estimate(), 0..12)) {
        let usable = !given.is_empty() && given.iter().all(|one| one.check().is_ok());
        for method in Method::ALL {
            prop_assert_eq!(pool(&given, method).is_ok(), usable);
        }
        prop_assert!(leave_one_out(&given, Method::Reml).is_ok() == (usable && given.len() > 1));
        prop_assert!(usable || egger(&given).is_err());
        let moderated: Vec<_> = given.iter().map(|one| (*one, one.variance)).collect();
        prop_assert!(usable || moderator(&moderated).is_err());
    }

    #[test]
    fn pooled_numbers_are_numbers_in_their_order(given in proptest::collection::vec(usable_estimate(), 1..20)) {
        let (least, most) = given
            .iter()
            .fold((f64::MAX, f64::MIN), |(least, most), one| (least.min(one.effect), most.max(one.effect)));
        let slack = 1e-9 * most.abs().max(least.abs()) + 1e-9;
        for method in Method::ALL {
            let pooled = pool(&given, method).unwrap();
            prop_assert!(pooled.estimate >= least - slack && pooled.estimate <= most + slack);
            prop_assert!(pooled.se > 0.0 && pooled.se.is_finite());
            prop_assert!(pooled.ci_low <= pooled.estimate && pooled.estimate <= pooled.ci_high);
            prop_assert!(pooled.tau2 >= 0.0 && pooled.tau2.is_finite());
            prop_assert!(pooled.q >= 0.0 && pooled.q.is_finite());
            for share in [pooled.p, pooled.q_p] {
                prop_assert!((0.0..=1.0).contains(&share), "{share}");
            }
            for percent in [pooled.i2, pooled.i2_tau2] {
                prop_assert!((0.0..=100.0).contains(&percent), "{percent}");
            }
            prop_assert!((pooled.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            if let Some((low, high)) = pooled.tau2_interval {
                prop_assert!(0.0 <= low && low <= high && high.is_finite(), "{low} to {high}");
            }
            for interval in [pooled.hksj, pooled.hksj_never_shrinks].into_iter().flatten() {
                prop_assert!(interval.se.is_finite() && interval.ci_low <= interval.ci_high);
                prop_assert!((0.0..=1.0).contains(&interval.p));
            }
            if let Some(prediction) = pooled.prediction {
                prop_assert!(prediction.low.is_finite() && prediction.low <= prediction.high);
            }
        }
    }

    #[test]
    fn lines_are_laid_through_whatever_can_be_pooled(
        given in proptest::collection::vec((usable_estimate(), -1e9..1e9_f64), 10..16),
    ) {
        let effects: Vec<_> = given.iter().map(|(one, _)| *one).collect();
        if let Ok(test) = egger(&effects) {
            prop_assert!((0.0..=1.0).contains(&test.p) && test.se.is_finite());
        }
        let moderated = moderator(&given).unwrap();
        prop_assert!(moderated.tau2.is_finite() && moderated.slope.se.is_finite());
        prop_assert!((0.0..=1.0).contains(&moderated.slope.p));
    }
}
