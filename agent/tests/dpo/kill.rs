//! Everything at once: kills, and a broker that goes wrong in every way that it can.

use super::site::*;
use efm_world::broker::{FileStatus, Mischief};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize};

/// How much of it is done: `EFM_DPO_KILLS=100 EFM_DPO_MESSAGES=500` is the whole.
fn amount(name: &str, usual: usize) -> usize {
    #[allow(clippy::disallowed_methods, reason = "how long a test may take is said from outside")]
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn every_message_comes_exactly_once_however_often_either_is_killed() {
    let (messages, kills) = (amount("EFM_DPO_MESSAGES", 40), amount("EFM_DPO_KILLS", 10));
    let faults = Faults::new(Duration::ZERO, 0.2, 7);
    let (stage, folder) = world(&faults);
    stage.broker.go_wrong(Mischief { duplicates: 0.2, disorder: 0.2, cuts: 0.1, unheard: 0.05 }, 7);
    let mut programs = vec![start(&stage, &NORD, folder.path(), &[]), start(&stage, &SOR, folder.path(), &[])];
    let ports: Vec<_> = programs.iter().map(|program| AtomicU16::new(program.port)).collect();
    let (nord, sor) = (&ports[0], &ports[1]);
    let next = AtomicUsize::new(0);
    let (sent, delivered) = (Mutex::new(BTreeSet::new()), Mutex::new(BTreeSet::new()));
    let removed = Mutex::new(BTreeSet::new());
    let is_over = AtomicBool::new(false);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let over = Over(&is_over);
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= messages || is_over.load(Ordering::Acquire) {
                        return;
                    }
                    let letter = arkivmelding(u64::try_from(number).unwrap(), ADMINISTRASJON);
                    send(nord, &letter);
                    sent.lock().unwrap().insert(letter.id);
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Acquire) && delivered.lock().unwrap().len() < messages {
                    take(sor, &delivered, &removed);
                }
            });
        }
        let mut random = Seeded(begun.elapsed().as_nanos().try_into().unwrap_or(1));
        for _ in 0..kills {
            pause(100 + random.next() % 1400);
            let which = usize::try_from(random.next() % 2).unwrap();
            let program = programs.remove(which).killed_and_started_again();
            ports[which].store(program.port, Ordering::Release);
            programs.insert(which, program);
        }
        eprintln!("{kills} kills in {:?}, {} sent", begun.elapsed(), sent.lock().unwrap().len());
        let draining = DRAINING.mul_f64(1.0_f64.max(f64::from(u32::try_from(messages).unwrap()) / 200.0));
        let begun = Instant::now();
        while delivered.lock().unwrap().len() < messages {
            assert!(begun.elapsed() < draining, "{}", told(nord, sor, &sent, &delivered, &programs));
            pause(20);
        }
        drop(over);
    });
    eprintln!("all {messages} delivered after {:?}", begun.elapsed());
    assert_eq!(*sent.lock().unwrap(), *delivered.lock().unwrap());
    faults.set(Duration::ZERO, 0.0);
    stage.broker.go_wrong(Mischief::default(), 7);
    for id in &*sent.lock().unwrap() {
        let is_read = is_answered(id);
        let expected = if is_read { &READ[..] } else { &READ[1..] };
        let found = waited(&format!("the statuses of {id}: {:?}", statuses(nord, id)), DRAINING, || {
            let mut found = statuses(nord, id);
            found.sort();
            (found.len() >= expected.len()).then_some(found)
        });
        assert_eq!(found, expected, "{id}");
        let mut found = statuses(sor, id);
        found.sort();
        assert_eq!(found, ["INNKOMMENDE_LEVERT", "INNKOMMENDE_MOTTATT", "OPPRETTET"], "{id}");
    }
    let waiting = |port| insist(port, "GET", "/api/messages/in?size=1", &[], b"").json()["totalElements"].as_u64();
    assert_eq!(waiting(sor), Some(0));
    // Each receipt came once, too.
    let answered = sent.lock().unwrap().iter().filter(|id| is_answered(id)).count();
    assert_eq!(waiting(nord), u64::try_from(answered).ok());
    // All is confirmed, also what came twice; what is left is what was never uploaded.
    waited("the last confirmation", DRAINING, || {
        let left = |status| matches!(status, FileStatus::Published | FileStatus::UploadProcessing);
        (!stage.broker.transfers().iter().any(|it| left(it.status))).then_some(())
    });
    eprintln!("all statuses after {:?}; {} transfers at the broker", begun.elapsed(), stage.broker.transfers().len());
}

/// What is missing, and what the two have to say.
fn told(
    nord: &AtomicU16,
    sor: &AtomicU16,
    sent: &Mutex<BTreeSet<String>>,
    delivered: &Mutex<BTreeSet<String>>,
    programs: &[Program],
) -> String {
    let (sent, delivered) = (sent.lock().unwrap().clone(), delivered.lock().unwrap().clone());
    let mut told = format!("{} sent, {} delivered; missing:\n", sent.len(), delivered.len());
    for id in sent.difference(&delivered).take(5) {
        writeln!(told, "{id}: nord {:?}, sør {:?}", statuses(nord, id), statuses(sor, id)).unwrap();
    }
    for program in programs {
        let said = program.said();
        let lines: Vec<_> = said.lines().filter(|line| line.contains(" WARN ") || line.contains(" ERROR ")).collect();
        told += &lines[lines.len().saturating_sub(15)..].join("\n");
        told.push('\n');
    }
    told
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Takes one message as a case system does. A peek whose answer was lost has locked its message: it is popped by its id.
fn take(sor: &AtomicU16, delivered: &Mutex<BTreeSet<String>>, removed: &Mutex<BTreeSet<String>>) {
    let ask = |method: &str, path: &str| try_call(sor.load(Ordering::Acquire), method, path, &[], b"").ok();
    let peeked = ask("GET", "/api/messages/in/peek").filter(|answer| answer.status == 200);
    let id = if let Some(answer) = peeked {
        id_of(&answer.json())
    } else {
        let Some(listed) = ask("GET", "/api/messages/in?size=1").filter(|answer| answer.status == 200) else {
            return pause(20);
        };
        match listed.json()["content"].get(0).map(id_of) {
            // One that the other case system is taking just now may be it, too: whoever removes it first has it.
            Some(id) if !delivered.lock().unwrap().contains(&id) => id,
            _ => return pause(20),
        }
    };
    let Some(popped) = ask("GET", &format!("/api/messages/in/pop/{id}")).filter(|answer| answer.status == 200) else {
        return pause(20);
    };
    let number = u64::from_str_radix(&id[..8], 16).unwrap();
    let package = unzipped(popped.body);
    for (name, bytes) in arkivmelding(number, ADMINISTRASJON).files {
        assert!(package.get(name) == Some(&bytes), "{name} of {id} is another one");
    }
    // An answer that was lost may have been a 200: then it is not there any more.
    let answer = waited("a removal", PATIENCE, || ask("DELETE", &format!("/api/messages/in/{id}")));
    assert!([200, 404].contains(&answer.status), "{id}: {}", answer.text());
    // What is removed twice came twice.
    assert!(answer.status == 404 || removed.lock().unwrap().insert(id.clone()), "{id} was delivered twice");
    if is_answered(&id) {
        send(sor, &receipt(number + 1_000_000, &id));
    }
    delivered.lock().unwrap().insert(id);
}

/// In the order of their names.
const READ: [&str; 5] = ["LEST", "LEVERT", "MOTTATT", "OPPRETTET", "SENDT"];

/// Every third is answered with a receipt.
fn is_answered(id: &str) -> bool {
    u64::from_str_radix(&id[..8], 16).unwrap().is_multiple_of(3)
}
