//! Instances that come and go: the cost of watching, and that every death is noticed.

use super::*;

/// Instances on one server, each with a chat of its own in memory.
struct Case {
    server: Redis,
    instances: Vec<Instance>,
}

struct Instance {
    bus: Arc<dyn Bus>,
    heard: Collector,
    chat: ChatKey,
}

impl Instance {
    async fn start(server: &Redis) -> Self {
        let bus = start(&server.url()).await;
        let (heard, chat) = (Collector::from(&bus), key());
        bus.subscribe(chat).await.unwrap();
        Self { bus, heard, chat }
    }

    fn name(&self) -> String {
        self.bus.membership().unwrap().own.to_string()
    }

    /// How many live instances it knows, itself included.
    fn living(&self) -> usize {
        1 + self.bus.membership().unwrap().heard.len()
    }
}

impl Case {
    async fn of(count: usize) -> Self {
        let server = Redis::start().unwrap();
        let mut instances = Vec::with_capacity(count);
        for _ in 0..count {
            instances.push(Instance::start(&server).await);
        }
        let case = Self { server, instances };
        case.until_all_know(count).await;
        case
    }

    async fn until_all_know(&self, count: usize) {
        eventually("all know who lives", || async {
            let mut instances = self.instances.iter();
            instances.all(|instance| instance.living() == count)
        })
        .await;
    }

    async fn until_the_list_is_right(&self) {
        let mut expected: Vec<String> = self.instances.iter().map(Instance::name).collect();
        expected.push("stamp".into());
        expected.sort_unstable();
        eventually("the list holds those who live", || async {
            self.listed() == expected
        })
        .await;
    }

    fn listed(&self) -> Vec<String> {
        let told = self.server.command(&["HKEYS", "duet:instances:{0}"]);
        let mut listed: Vec<String> = told.unwrap().lines().map(Into::into).collect();
        listed.retain(|name| !name.is_empty());
        listed.sort_unstable();
        listed
    }

    /// How many commands the server has executed, this one aside: all, leases renewed, and publications.
    fn commands(&self) -> [u64; 3] {
        let info = self.server.command(&["INFO", "commandstats"]).unwrap();
        let calls = |line: &str| -> Option<u64> {
            let (_, calls) = line.split_once(":calls=")?;
            calls.split(',').next()?.parse().ok()
        };
        let of = |command: &str| {
            let lines = info.lines();
            let lines = lines.filter(|line| line.starts_with(&format!("cmdstat_{command}")));
            lines.filter_map(calls).sum()
        };
        [of("") - of("info:"), of("set:"), of("spublish:")]
    }
}

#[actix::test]
async fn the_work_of_redis_per_beat_does_not_grow_with_the_instances() {
    const COUNT: usize = 12;
    /// Twenty of each.
    const BEATS: u64 = 20 * COUNT as u64;
    let case = Case::of(COUNT).await;
    let listeners = |pattern: &str| -> Vec<String> {
        let channels = ["PUBSUB", "SHARDCHANNELS", pattern];
        let channels = case.server.command(&channels).unwrap();
        let channels = channels.lines().filter(|channel| !channel.is_empty());
        let count = |channel: &str| {
            let told = ["PUBSUB", "SHARDNUMSUB", channel];
            let told = case.server.command(&told).unwrap();
            told.lines().nth(1).unwrap().to_owned()
        };
        channels.map(count).collect()
    };
    assert_eq!(listeners("duet:beats:*"), ["1"; COUNT]);
    assert_eq!(listeners("duet:instances:*"), [COUNT.to_string()]);
    let [all, leases, publications] = case.commands();
    eventually("they have beaten for a while", || async {
        case.commands()[1] >= leases + BEATS
    })
    .await;
    let [all_now, leases_now, publications_now] = case.commands();
    let (all, beats) = (all_now - all, leases_now - leases);
    // Instances that have renewed their lease and not beaten yet.
    let under_way = COUNT as u64;
    assert!(publications_now - publications <= beats + under_way);
    // A lease, a stamp, two leases of others, a beat.
    assert!(all <= 6 * beats, "{all} commands for {beats} beats");
}

#[actix::test]
async fn instances_that_die_together_with_their_watchers_are_noticed_by_all_others() {
    let mut case = Case::of(9).await;
    // Neighbours in the ring: nobody who watched the last one is left.
    case.instances.sort_by_key(Instance::name);
    case.instances
        .iter()
        .for_each(|instance| instance.heard.clear());
    drop(case.instances.drain(2..7));
    case.until_all_know(4).await;
    for instance in &case.instances {
        until_missed(&instance.heard, &[instance.chat]).await;
        assert_ne!(instance.bus.state(instance.chat), BusState::Away);
    }
    case.until_the_list_is_right().await;
    // A new instance finds them, and is found.
    case.instances.push(Instance::start(&case.server).await);
    case.until_all_know(5).await;
}

#[actix::test]
async fn names_that_a_dead_installation_has_left_are_taken_off_the_list() {
    let mut case = Case::of(6).await;
    case.instances.clear();
    case.instances.push(Instance::start(&case.server).await);
    case.instances.push(Instance::start(&case.server).await);
    case.until_the_list_is_right().await;
    case.until_all_know(2).await;
}

#[actix::test]
async fn an_instance_wrongly_declared_dead_returns_and_its_chats_are_compared() {
    let case = Case::of(3).await;
    let struck_out = case.instances[0].name();
    for instance in &case.instances {
        instance.heard.clear();
    }
    for command in [
        &["HDEL", "duet:instances:{0}", &struck_out][..],
        &["HSET", "duet:instances:{0}", "stamp", "another"],
        &[
            "SPUBLISH",
            "duet:instances:{0}",
            &format!("{struck_out} died"),
        ],
    ] {
        case.server.command(command).unwrap();
    }
    for instance in &case.instances[1..] {
        until_missed(&instance.heard, &[instance.chat]).await;
    }
    case.until_the_list_is_right().await;
    case.until_all_know(3).await;
}

#[actix::test]
async fn a_lost_list_is_written_again_and_no_instance_is_declared_dead() {
    let case = Case::of(5).await;
    case.server.command(&["FLUSHALL"]).unwrap();
    eventually("the list is there again", || async {
        let living = case.instances.iter().map(Instance::living);
        assert_eq!(living.min(), Some(5));
        case.listed().len() == 6
    })
    .await;
    case.until_the_list_is_right().await;
}

#[actix::test]
async fn an_instance_that_leaves_is_gone_at_once() {
    let mut case = Case::of(4).await;
    let left = case.instances.pop().unwrap();
    left.bus.leave().await;
    case.until_all_know(3).await;
    case.until_the_list_is_right().await;
}

#[actix::test]
async fn a_redis_that_refuses_writes_does_not_cause_a_comparison_with_every_beat() {
    let server = Redis::start().unwrap();
    let registry = Registry::new();
    let here = start(&server.url()).await;
    let there = start_with(&server.url(), &registry).await;
    let (heard, chat) = (Collector::from(&there), key());
    there.subscribe(chat).await.unwrap();
    until_delivered(&here, &heard, chat).await;
    let figure = |name: &str| {
        let gathered = registry.gather();
        let family = gathered.iter().find(|family| family.name() == name);
        family.unwrap().get_metric()[0].get_counter().get_value()
    };
    server
        .command(&["CONFIG", "SET", "maxmemory", "1"])
        .unwrap();
    eventually("both have dropped notices", || async {
        here.publish(chat, mark());
        there.publish(chat, mark());
        figure("duet_bus_dropped_total") > 0.0
    })
    .await;
    let compared = figure("duet_bus_resyncs_total");
    let case = Case {
        server,
        instances: Vec::new(),
    };
    let [_, _, beats] = case.commands();
    eventually("they have beaten for a while", || async {
        case.commands()[2] >= beats + 40
    })
    .await;
    assert!(figure("duet_bus_resyncs_total") <= compared + 1.0);
    case.server
        .command(&["CONFIG", "SET", "maxmemory", "0"])
        .unwrap();
    until_missed(&heard, &[chat]).await;
    until_delivered(&here, &heard, chat).await;
}
