//! The real core in a false world: every short schedule, and many long random ones.
mod action;
mod budget;
mod enumerate;
mod fingerprint;
mod happening;
mod ledger;
mod node;
mod plan;
mod property;
mod scene;
mod setup;
mod store;
mod world;

use plan::{Opening, Plan};
use budget::Budget;

fn main() {
    let ticks: u32 = std::env::args().nth(1).unwrap().parse().unwrap();
    let wire: usize = std::env::args().nth(2).unwrap().parse().unwrap();
    let most: usize = std::env::args().nth(3).unwrap().parse().unwrap();
    let mut budget = Budget::NONE;
    for word in std::env::args().skip(4) {
        for (kind, left) in budget.kinds() { if kind == word { *left += 1; } }
    }
    let plan = Plan { name: "x", leases: [3, 3], opening: Opening::Led, ticks, budget, on_wire: wire, late_views: false, clocks: false };
    let t = std::time::Instant::now();
    let found = enumerate::enumerate(&plan, Default::default(), &property::SAFETY, most);
    println!("{} states depth {} complete {} {:?}", found.states, found.depth, found.complete, t.elapsed());
    if let Some((v, trace)) = found.violation {
        println!("{v}");
        let mut scene = plan.start_right();
        scene.world.notes = Some(Vec::new());
        for a in &trace {
            println!("{:>4}s {a}", scene.world.time.as_secs());
            scene = scene.after(a);
            for n in scene.world.notes.as_mut().unwrap().drain(..) { println!("           {n}"); }
        }
    }
}
