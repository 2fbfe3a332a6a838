//! Ages from ninety years on, which are told as ninety and more.

use crate::fhir::{fold::fold, tree::Node};

/// The age from which on no other is told.
pub(super) const OLD: u32 = 90;

/// Units of age, folded, with how many make the age.
const UNITS: &[(&str, u32)] = &[
    ("a", OLD),
    ("ans", OLD),
    ("anos", OLD),
    ("jahr", OLD),
    ("jahre", OLD),
    ("mo", 1080),
    ("month", 1080),
    ("months", 1080),
    ("year", OLD),
    ("years", OLD),
    ("yr", OLD),
    ("yrs", OLD),
];

/// A quantity of ninety years or more, told as just that; none if it is another quantity.
pub(super) fn top_coded(quantity: &Node) -> Option<Node> {
    let Node::Object(members) = quantity else { return None };
    let Node::Literal(value) = quantity.get("value")? else { return None };
    let said = quantity.text_of("code").or_else(|| quantity.text_of("unit"))?;
    let unit = fold(said);
    let (_, most) = UNITS.iter().find(|(own, _)| *own == unit)?;
    value.parse::<f64>().ok().filter(|value| *value > f64::from(most.saturating_sub(1)))?;
    let told = |(name, value): &(String, Node)| match name.as_str() {
        "comparator" => None,
        "value" => Some((name.clone(), Node::Literal(most.to_string()))),
        _ => Some((name.clone(), value.clone())),
    };
    let mut told: Vec<_> = members.iter().filter_map(told).collect();
    told.push(("comparator".to_owned(), Node::Text(">=".to_owned())));
    Some(Node::Object(told))
}
