//! The words a fingerprint is said in, one for each byte.

/// Sorted, so that a word is found by halving; never changed, for fingerprints stand on paper.
///
/// Common nouns of three to seven letters, each known by its first four. As the CMU Pronouncing Dictionary has them, no
/// two differ in fewer than three sounds: a bad line makes no word into another.
pub(super) const WORDS: [&str; 256] = [
    "acorn", "airport", "album", "anchor", "antenna", "antler", "apricot", "archive", "arena", "athlete",
    "atlas", "autumn", "avenue", "bakery", "balcony", "bamboo", "banjo", "bassoon", "beaver", "bicycle",
    "biscuit", "bishop", "blanket", "blossom", "bobcat", "bonfire", "bronze", "broom", "buffalo", "bugle",
    "cabbage", "cactus", "camera", "candle", "caravan", "cargo", "carpet", "cashew", "ceramic", "chapel",
    "chariot", "cheese", "chimney", "circus", "citadel", "cloud", "clover", "cobalt", "coconut", "compass",
    "copper", "crayon", "crystal", "cupcake", "curtain", "dancer", "dolphin", "domino", "dragon", "eagle",
    "eclipse", "embassy", "emerald", "emperor", "engine", "evening", "fabric", "family", "farmer", "feather",
    "fern", "filter", "firefly", "flannel", "forest", "fossil", "freckle", "frog", "galaxy", "gallery",
    "garage", "gazelle", "gecko", "giraffe", "glacier", "gondola", "goose", "gravel", "guitar", "gymnast",
    "hamlet", "harvest", "hazel", "hedge", "helmet", "hexagon", "hockey", "holiday", "horizon", "hotel",
    "iceberg", "igloo", "incense", "indigo", "island", "ivory", "jacket", "jaguar", "javelin", "jelly",
    "jigsaw", "journal", "juniper", "ketchup", "keyhole", "kimono", "kingdom", "kiwi", "koala", "lantern",
    "lasso", "laundry", "legend", "leopard", "library", "lilac", "lobster", "lotus", "luggage", "lumber",
    "machine", "magenta", "magnet", "magpie", "mammoth", "marble", "medal", "melody", "mermaid", "monsoon",
    "mosaic", "motor", "museum", "napkin", "navy", "nectar", "nutmeg", "nylon", "oasis", "oatmeal", "ocean",
    "octopus", "olive", "opera", "orange", "orchid", "osprey", "ostrich", "oxygen", "pancake", "paprika",
    "parsley", "pasture", "patio", "pelican", "pencil", "penguin", "picnic", "pillow", "plaza", "podium",
    "polygon", "pony", "popcorn", "potato", "pottery", "pretzel", "pumpkin", "puppet", "pyramid", "quiz",
    "radish", "rainbow", "raven", "recipe", "rodeo", "rooster", "ruby", "sailor", "salad", "sandbox",
    "sardine", "sausage", "scarf", "scooter", "senator", "shovel", "sketch", "slipper", "sofa", "soprano",
    "sparrow", "spider", "spinach", "spiral", "sprout", "squash", "stable", "stadium", "statue", "stove",
    "studio", "subway", "sugar", "sunrise", "sunset", "tadpole", "tango", "taxi", "teapot", "temple",
    "tennis", "thimble", "throne", "topaz", "torch", "tornado", "tower", "tractor", "trolley", "truffle",
    "trumpet", "tugboat", "tulip", "tundra", "tuxedo", "typhoon", "uncle", "unicorn", "vacuum", "vanilla",
    "vehicle", "violin", "visitor", "volcano", "voyage", "walrus", "whisker", "window", "wizard", "wolf",
    "wombat", "yacht", "zebra", "zigzag", "zodiac",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sha2::{Digest as _, Sha256};

    use super::WORDS;

    #[test]
    fn the_list_stays_as_it_is() {
        let digest = Sha256::digest(WORDS.join(" "));
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "2eb76410e3a4eed61df59b5cdf66deffbaebf8d56d84212050d86aa4fdded4c8");
    }

    #[test]
    fn words_are_sorted_and_each_is_known_by_its_first_four_letters() {
        assert!(WORDS.is_sorted_by(|one, next| one < next));
        assert_eq!(WORDS.iter().collect::<BTreeSet<_>>().len(), 256);
        assert_eq!(
            WORDS.iter().map(|word| &word.as_bytes()[..word.len().min(4)]).collect::<BTreeSet<_>>().len(),
            256
        );
        for word in WORDS {
            assert!(
                (3..=7).contains(&word.len()) && word.bytes().all(|letter| letter.is_ascii_lowercase()),
                "{word}"
            );
        }
    }
}
