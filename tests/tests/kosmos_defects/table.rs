//! Every row, and where it is shown. The test at the end reads the sources, so that no row and no test can be lost.

/// Where a row is shown.
pub enum Shown {
    /// In this folder.
    Here(&'static [&'static str]),
    /// In another file of this repository; and, where it is not empty, here too.
    Elsewhere(&'static [(&'static str, &'static str)], &'static [&'static str]),
    /// Not yet, and why.
    Later(&'static str),
}

use Shown::{Elsewhere, Here, Later};

/// The table of eighteen, then the rows of the hostile review that are critical (C) or high (H); then, with their
/// weight, those of lesser weight that have a test of their own.
pub const ROWS: &[(&str, Shown)] = &[
    ("defect_01", Here(&["defect_01_and_k_01_bytes_that_failed_verification_are_never_started"])),
    (
        "defect_02",
        Here(&[
            "defect_02_and_k_13_an_old_jar_with_a_good_signature_is_not_taken_under_a_new_name",
            "defect_02_and_k_12_an_older_version_in_the_list_is_no_upgrade_and_a_list_that_is_gone_for_days_is_told",
        ]),
    ),
    (
        "defect_03",
        Elsewhere(
            &[("tests/tests/openpgp_oracle/main.rs", "our_verdict_is_sequoias_or_the_row_says_why_not")],
            &["defect_03_and_k_14_and_k_15_revoked_ended_weak_and_foreign_keys_let_nothing_in"],
        ),
    ),
    ("defect_04", Here(&["defect_04_and_k_09_one_that_will_not_stop_is_ended_and_the_new_one_never_starts_beside_it"])),
    ("defect_05", Here(&["defect_05_and_k_22_one_that_crashes_is_started_again_at_once"])),
    ("defect_06", Here(&["defect_06_and_k_25_a_release_that_failed_here_is_not_tried_again_in_any_later_window"])),
    ("defect_07", Here(&["defect_07_a_stop_and_a_start_are_seen_at_once_and_not_at_the_next_poll"])),
    ("defect_08", Here(&["defect_08_a_version_that_dies_in_its_probation_is_rolled_back"])),
    (
        "defect_09",
        Here(&["defect_09_and_k_07_an_answer_counts_only_from_the_process_that_was_started_and_as_its_version"]),
    ),
    (
        "defect_10",
        Here(&["defect_10_and_k_24_data_is_as_before_when_the_new_version_never_came_up_and_is_kept_when_it_had"]),
    ),
    ("defect_11", Here(&["defect_11_and_k_20_the_second_supervisor_of_a_folder_is_told_who_has_it"])),
    ("defect_12", Here(&["defect_12_what_runs_is_adopted_and_never_restarted_because_the_supervisor_was"])),
    ("defect_13", Here(&["defect_13_the_supervisor_runs_without_a_jvm_and_in_a_few_megabytes"])),
    ("defect_14", Here(&["defect_14_what_can_be_known_before_the_stop_stops_nothing"])),
    ("defect_15", Here(&["defect_15_what_is_fetched_by_day_is_only_stopped_and_started_in_the_window"])),
    ("defect_16", Here(&["defect_16_and_k_37_what_happened_and_what_is_waited_for_can_be_read"])),
    ("defect_17", Later("one supervisor for all instances of a host is a later issue")),
    ("defect_18", Later("packages and `service install` are a later issue")),
    // C
    (
        "k_01",
        Elsewhere(
            &[(
                "supervisor/src/vault/tests/mirrored.rs",
                "k_01_other_bytes_under_the_name_of_a_verified_version_are_set_aside",
            )],
            &["defect_01_and_k_01_bytes_that_failed_verification_are_never_started"],
        ),
    ),
    // C
    (
        "k_02",
        Elsewhere(
            &[
                ("tests/tests/http_lies.rs", "k02_a_release_without_files_is_not_published_yet"),
                (
                    "supervisor/src/vault/tests/admit.rs",
                    "k_02_a_full_disk_leaves_no_half_chunk_and_says_what_is_missing",
                ),
            ],
            &["k_02_a_release_that_is_not_whole_yet_changes_nothing_and_is_installed_once_it_is"],
        ),
    ),
    // C
    ("k_03", Here(&["k_03_the_seat_belt_understands_a_v_and_stops_an_upgrade_but_never_a_start"])),
    // H
    (
        "k_04",
        Elsewhere(
            &[("supervisor/src/vault/kosmos_home.rs", "k_04_a_marker_that_lost_its_v_finds_its_jar")],
            &["k_04_a_site_whose_marker_lost_its_v_is_taken_over_and_can_go_back_to_that_version"],
        ),
    ),
    // C
    (
        "k_05",
        Here(&[
            "k_05_a_boot_without_network_starts_what_was_committed",
            "k_05_a_site_that_never_looks_is_started_all_the_same_also_when_it_comes_from_kosmos",
        ]),
    ),
    // C
    (
        "k_06",
        Elsewhere(
            &[("supervisor/src/notice/tests/mail.rs", "k_06_a_server_that_is_down_loses_nothing_and_delays_nothing")],
            &["k_06_a_mail_server_that_hangs_delays_no_roll_back_and_loses_no_mail"],
        ),
    ),
    // C
    (
        "k_07",
        Elsewhere(
            &[(
                "tests/tests/child_process.rs",
                "k07_an_answer_from_another_process_than_the_one_we_started_is_no_answer",
            )],
            &["defect_09_and_k_07_an_answer_counts_only_from_the_process_that_was_started_and_as_its_version"],
        ),
    ),
    // H
    ("k_08", Here(&["k_08_a_closed_port_is_no_stop_while_the_process_still_has_its_database"])),
    // H
    (
        "k_09",
        Elsewhere(
            &[("tests/tests/child_process.rs", "k09_one_that_ignores_everything_is_killed_with_all_that_it_started")],
            &[
                "defect_04_and_k_09_one_that_will_not_stop_is_ended_and_the_new_one_never_starts_beside_it",
                "k_09_one_that_is_down_or_hangs_is_stopped_too_and_the_upgrade_may_be_the_cure",
            ],
        ),
    ),
    // H
    ("k_10", Here(&["k_10_one_that_does_not_answer_well_is_not_started_a_second_time"])),
    // H
    (
        "k_11",
        Elsewhere(
            &[(
                "supervisor/src/vault/kosmos_home.rs",
                "k_11_markers_that_make_no_sense_are_told_and_never_stop_anything",
            )],
            &["k_11_garbled_markers_and_garbled_state_never_keep_the_service_down"],
        ),
    ),
    // C
    (
        "k_12",
        Here(&[
            "defect_02_and_k_12_an_older_version_in_the_list_is_no_upgrade_and_a_list_that_is_gone_for_days_is_told",
        ]),
    ),
    // C
    ("k_13", Here(&["defect_02_and_k_13_an_old_jar_with_a_good_signature_is_not_taken_under_a_new_name"])),
    // H
    ("k_14", Here(&["defect_03_and_k_14_and_k_15_revoked_ended_weak_and_foreign_keys_let_nothing_in"])),
    // H
    (
        "k_15",
        Here(&[
            "defect_03_and_k_14_and_k_15_revoked_ended_weak_and_foreign_keys_let_nothing_in",
            "k_15_a_release_that_both_keys_have_signed_is_good_whichever_comes_first",
        ]),
    ),
    // H
    ("k_16", Here(&["k_16_the_end_of_a_key_is_told_ahead_stops_no_service_and_a_refreshed_key_counts_at_once"])),
    // H
    (
        "k_18",
        Elsewhere(
            &[("supervisor/src/sources/http/tests.rs", "k18_a_proxy_is_used_with_user_and_password")],
            &["k_18_all_outside_traffic_goes_to_the_proxy_that_is_set"],
        ),
    ),
    // H
    ("k_20", Here(&["defect_11_and_k_20_the_second_supervisor_of_a_folder_is_told_who_has_it"])),
    // H
    (
        "k_21",
        Elsewhere(
            &[("supervisor/src/schedule/tests/windows.rs", "k_21_a_restart_at_ten_does_not_open_a_window")],
            &["k_21_a_restart_outside_the_window_upgrades_nothing"],
        ),
    ),
    // H
    ("k_22", Here(&["defect_05_and_k_22_one_that_crashes_is_started_again_at_once"])),
    // H
    ("k_23", Here(&["k_23_a_start_that_still_works_is_waited_for_and_one_that_stands_still_is_not"])),
    // C
    (
        "k_24",
        Elsewhere(
            &[(
                "supervisor/src/vault/tests/back_up.rs",
                "k_24_what_is_put_back_is_what_was_copied_to_the_last_bit_time_and_right",
            )],
            &["defect_10_and_k_24_data_is_as_before_when_the_new_version_never_came_up_and_is_kept_when_it_had"],
        ),
    ),
    // H
    (
        "k_25",
        Here(&[
            "defect_06_and_k_25_a_release_that_failed_here_is_not_tried_again_in_any_later_window",
            "k_25_a_roll_back_is_proven_and_one_that_fails_is_told_and_tried_again_and_again",
        ]),
    ),
    // M
    ("k_17", Elsewhere(&[("supervisor/src/sources/published.rs", "k17_checksums_are_read_as_people_write_them")], &[])),
    // M
    (
        "k_19",
        Elsewhere(
            &[
                ("tests/tests/http_lies.rs", "k19_an_endless_body_ends_at_the_limit"),
                ("tests/tests/http_lies.rs", "k19_a_drip_is_given_up"),
            ],
            &["k_19_a_body_without_end_is_given_up_and_leaves_what_runs_alone"],
        ),
    ),
    // M
    (
        "k_26",
        Elsewhere(
            &[(
                "supervisor/src/vault/tests/mirrored.rs",
                "k_26_a_version_that_failed_is_blocked_for_as_long_as_is_set",
            )],
            &[],
        ),
    ),
    // M
    (
        "k_27",
        Elsewhere(
            &[(
                "tests/tests/child_process.rs",
                "k27_a_jvm_that_is_too_old_is_refused_before_anything_is_stopped_and_a_newer_one_is_named",
            )],
            &[],
        ),
    ),
    // M
    (
        "k_28",
        Elsewhere(
            &[("supervisor/src/child/environment.rs", "k28_a_prefix_is_removed_however_it_is_written")],
            &["k_28_variables_whose_names_begin_as_set_do_not_reach_the_child_however_they_are_written"],
        ),
    ),
    // M
    (
        "k_29",
        Elsewhere(
            &[
                ("src/masking.rs", "k29_secrets_and_identity_numbers_do_not_reach_a_mail"),
                (
                    "supervisor/src/notice/tests/letters.rs",
                    "k_29_a_mail_is_bounded_and_holds_no_secret_and_no_identity_number",
                ),
            ],
            &[],
        ),
    ),
    // M
    (
        "k_30",
        Elsewhere(
            &[
                (
                    "supervisor/src/vault/tests/admit.rs",
                    "k_30_a_full_disk_while_admitting_leaves_nothing_half_and_the_next_try_succeeds",
                ),
                ("supervisor/src/vault/tests/mirrored.rs", "k_30_our_own_old_jars_go_and_those_of_others_stay"),
            ],
            &[],
        ),
    ),
    // M
    ("k_31", Elsewhere(&[("supervisor/src/sources/versions_list.rs", "k31_only_a_version_gets_through")], &[])),
    // M
    (
        "k_32",
        Elsewhere(
            &[("supervisor/src/config/tests/access.rs", "k_32_a_settings_file_that_others_may_write_to_is_told")],
            &[],
        ),
    ),
    // M
    (
        "k_33",
        Elsewhere(
            &[(
                "supervisor/src/vault/tests/admit.rs",
                "k_33_a_file_that_was_changed_replaced_or_opened_to_others_is_not_started",
            )],
            &[],
        ),
    ),
    // M
    (
        "k_34",
        Elsewhere(
            &[
                ("supervisor/src/schedule/tests/table.rs", "k_34_an_expression_that_fires_each_second_gets_a_warning"),
                ("supervisor/src/config/tests/layers.rs", "k_34_an_expression_that_fires_each_second_is_told"),
            ],
            &[],
        ),
    ),
    // M
    (
        "k_36",
        Elsewhere(
            &[(
                "supervisor/src/schedule/tests/looks.rs",
                "k_36_a_site_has_a_fixed_share_and_sites_are_spread_over_all_of_the_splay",
            )],
            &[],
        ),
    ),
    // M
    ("k_37", Here(&["defect_16_and_k_37_what_happened_and_what_is_waited_for_can_be_read"])),
    // M
    (
        "k_39",
        Elsewhere(
            &[("tests/tests/child_process.rs", "k39_it_lives_on_when_its_supervisor_is_killed_and_is_found_again")],
            &[],
        ),
    ),
    // L
    (
        "k_40",
        Elsewhere(
            &[(
                "supervisor/src/config/tests/layers.rs",
                "k_40_the_organisation_comes_from_the_integration_point_and_is_not_required",
            )],
            &[],
        ),
    ),
    // L
    (
        "k_41",
        Elsewhere(
            &[("supervisor/src/config/tests/layers.rs", "k_41_another_machine_is_asked_only_when_a_person_says_so")],
            &[],
        ),
    ),
    // L
    (
        "k_43",
        Elsewhere(
            &[(
                "supervisor/src/config/tests/access.rs",
                "k_43_files_that_are_named_and_not_there_are_told_with_their_line",
            )],
            &[],
        ),
    ),
    // L
    (
        "k_44",
        Elsewhere(
            &[
                ("tests/tests/http_lies.rs", "k44_a_server_that_asks_for_time_gets_it"),
                (
                    "supervisor/src/schedule/tests/looks.rs",
                    "k_44_failures_are_tried_again_after_one_two_four_minutes_and_never_later_than_what_is_due_anyway",
                ),
            ],
            &[],
        ),
    ),
    // L
    (
        "k_48",
        Elsewhere(
            &[("supervisor/src/sources/versions_list.rs", "k48_a_missing_version_never_becomes_the_word_null")],
            &[],
        ),
    ),
];

/// The rows of the hostile review that are critical or high; each must be in the table.
const CRITICAL_OR_HIGH: [u32; 23] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 21, 22, 23, 24, 25];

use std::collections::BTreeSet;
use std::path::Path;

/// The names of the tests in a source file: functions right below an attribute that makes them one.
fn tests_in(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        let after = line.strip_prefix("async fn ").or(line.strip_prefix("fn "));
        match after {
            Some(after) if is_test => {
                found.extend(after.split_once('(').map(|(name, _)| name.to_owned()));
                is_test = false;
            }
            _ if line.starts_with("#[test]") || line.starts_with("#[tokio::test") => is_test = true,
            _ if line.starts_with('#') || line.starts_with("//") => {}
            _ => is_test = false,
        }
    }
    found
}

/// `defect_02_and_k_13_an_old_…` speaks of `defect_02` and `k_13`.
fn rows_in(name: &str) -> Vec<String> {
    let words: Vec<&str> = name.split('_').collect();
    let is_row = |pair: &&[&str]| {
        matches!(pair[0], "defect" | "k") && pair[1].len() == 2 && pair[1].bytes().all(|byte| byte.is_ascii_digit())
    };
    words.windows(2).filter(is_row).map(|pair| pair.join("_")).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_row_has_its_test_and_every_test_its_row() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = root.join("tests/tests/kosmos_defects");
    let mut here = BTreeSet::new();
    for file in std::fs::read_dir(&folder).unwrap() {
        here.extend(tests_in(&read(&file.unwrap().path())));
    }
    assert!(here.contains("every_row_has_its_test_and_every_test_its_row"), "the reader finds itself: {here:?}");

    let rows: BTreeSet<&str> = ROWS.iter().map(|(row, _)| *row).collect();
    assert_eq!(rows.len(), ROWS.len(), "a row is there twice");
    let needed = (1..=18).map(|n| format!("defect_{n:02}")).chain(CRITICAL_OR_HIGH.map(|n| format!("k_{n:02}")));
    for row in needed {
        assert!(rows.contains(row.as_str()), "{row} is lost");
    }

    let mut listed = BTreeSet::new();
    for (row, shown) in ROWS {
        let (elsewhere, ours): (&[(&str, &str)], &[&str]) = match shown {
            Here(ours) => (&[], ours),
            Elsewhere(elsewhere, ours) => (elsewhere, ours),
            Later(why) => {
                assert!(!why.is_empty(), "{row}");
                continue;
            }
        };
        assert!(elsewhere.len() + ours.len() > 0, "{row} is shown nowhere");
        for name in ours {
            assert!(here.contains(*name), "{row}: there is no test {name} in this folder");
            assert!(rows_in(name).iter().any(|named| named == row), "{row}: {name} does not speak of it");
            listed.insert(((*row).to_owned(), (*name).to_owned()));
        }
        for (file, name) in elsewhere {
            assert!(tests_in(&read(&root.join(file))).contains(*name), "{row}: there is no test {name} in {file}");
        }
    }
    for name in here {
        for row in rows_in(&name) {
            assert!(listed.contains(&(row.clone(), name.clone())), "{name} is not in the table under {row}");
        }
    }
}
