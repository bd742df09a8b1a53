use super::*;

fn parse(text: &str) -> Target {
    Target::parse(text).unwrap()
}

fn refusal(text: &str) -> String {
    let error = Target::parse(text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
    error.to_string()
}

fn server(host: &str, port: u16) -> Server {
    Server {
        host: host.to_owned(),
        port,
    }
}

#[test]
fn every_scheme_of_the_manual_parses() {
    assert_eq!(*parse("local:").place(), Place::Directory(None));
    let dir = Place::Directory(Some("/run/tanist".into()));
    assert_eq!(*parse("local:/run/tanist").place(), dir);
    assert_eq!(*parse("local:/run//tanist/").place(), dir);
    assert_eq!(*parse("local:///run/tanist").place(), dir);
    let etcd = parse("etcd://a,b:1234,[::1]:99,[fe80::1]/x/y");
    let servers = vec![
        server("a", 2379),
        server("b", 1234),
        server("::1", 99),
        server("fe80::1", 2379),
    ];
    assert_eq!(
        *etcd.place(),
        Place::Servers {
            servers,
            path: "/x/y".to_owned()
        }
    );
    let zk = parse("zks://h/?layout=latch");
    assert_eq!((zk.scheme(), zk.backend()), ("zks", "zookeeper"));
    assert_eq!(zk.parameter("layout"), Some("latch"));
    assert_eq!(
        *zk.place(),
        Place::Servers {
            servers: vec![server("h", 2181)],
            path: String::new()
        }
    );
}

#[test]
fn what_it_prints_parses_to_the_same() {
    for text in [
        "local:",
        "local:/run/tanist",
        "local:/x?allow_network_fs=1",
        "etcds://h:2379,[::1]:2379/a",
        "zk://h:2181/c?layout=node",
    ] {
        assert_eq!(parse(text).to_string(), text);
    }
    assert_eq!(parse("zk://h").to_string(), "zk://h:2181");
}

#[test]
fn an_unknown_scheme_suggests_the_nearest() {
    assert!(refusal("etdc://h").contains("did you mean etcd: ?"));
    assert!(refusal("zookeeper://h").contains("did you mean zk: ?"));
    assert!(refusal("zkk://h").contains("did you mean zk: ?"));
    assert!(refusal("lcoal:/x").contains("did you mean local: ?"));
    let consul = refusal("consul://h");
    assert!(!consul.contains("did you mean") && consul.contains("carries local:"));
    assert!(refusal("/run/x").contains("no scheme"));
}

#[test]
fn credentials_are_refused_and_never_repeated() {
    for text in [
        "etcd://user:hunter2@h/p",
        "etcd://h,user:hunter2@h2/p",
        "etcd://user:hunter2/x@h/p",
        "zk://h/c?layout=lock&password=hunter2",
        "etdc://user:hunter2@h",
        "hunter2@h:2379/x",
    ] {
        let error = Target::parse(text).unwrap_err();
        let texts = format!("{error} {error:?}");
        assert!(!texts.contains("hunter2"), "{text}: {texts}");
    }
    assert!(refusal("etcd://user:hunter2@h/p").contains("give the credentials in a file"));
}

#[test]
fn what_is_wrong_is_named() {
    for (text, why) in [
        ("local://run/x", "has no servers"),
        ("local:run/x", "absolute"),
        ("local:/a/../b", ".."),
        ("local:/a b", "white space"),
        ("local:/a?mode=1", "knows allow_network_fs"),
        ("etcd:h", "servers are missing"),
        ("etcd://", "no usable name"),
        ("etcd://a,,b", "no usable name"),
        ("etcd://h:0", "port"),
        ("etcd://h:65536", "port"),
        ("etcd://h:", "port"),
        ("etcd://::1", "brackets"),
        ("etcd://[::1", "not closed"),
        ("etcd://[::1]x", "only a port"),
        ("etcd://[h]:1", "no IPv6 address"),
        ("etcd://h//a", "part of the path"),
        ("etcd://h/a/.tanist", "part of the path"),
        ("zk://h/c?layout=", "no value"),
        ("zk://h/c?layout=a&layout=b", "twice"),
    ] {
        assert!(refusal(text).contains(why), "{text}: {}", refusal(text));
    }
}

#[test]
fn a_store_that_is_left_out_says_what_there_is_and_no_feature_that_is_none() {
    for text in ["etcd://h", "zk://h"] {
        let target = parse(text);
        if target.known().open.is_none() {
            let error = target.check_compiled().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotCompiled);
            let said = error.to_string();
            let carries = format!("does not carry {}", target.backend());
            assert!(said.contains(&carries) && said.contains("it carries local:"));
            let named = target.known().feature;
            assert_eq!(said.contains("--features"), named.is_some(), "{said}");
        }
    }
    parse("local:").check_compiled().unwrap();
}

#[test]
fn election_names_are_safe_everywhere() {
    let longest = "a".repeat(63);
    for name in ["a", "0", "a.b_c-d", longest.as_str()] {
        check_election(name).unwrap();
    }
    let too_long = "a".repeat(64);
    for name in [
        "",
        ".tanist",
        "-a",
        "_a",
        "A",
        "a/b",
        "a b",
        "ä",
        "a\n",
        too_long.as_str(),
    ] {
        assert_eq!(
            check_election(name).unwrap_err().kind(),
            ErrorKind::Invalid,
            "{name:?}"
        );
    }
}
