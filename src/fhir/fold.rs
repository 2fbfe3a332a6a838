//! Strings as they are compared: letters and digits alone, without case, marks and ways to write them, and where each
//! of them stands in the string as it came.
//!
//! ```text
//! "Dr. Mu\u{308}ller, \u{ff2f}konjo"   →   "drmullerokonjo"    pieces: dr · mu ller · o konjo
//! ```

use std::ops::Range;

use unicode_normalization::{
    UnicodeNormalization as _,
    char::{decompose_compatible, is_combining_mark},
};

/// A stretch of the folded string, and where it came from.
#[derive(Debug, Clone, Copy)]
struct Piece {
    folded: usize,
    from: usize,
    to: usize,
    /// Whether something that is no letter or digit stands before it.
    opens: bool,
    /// Whether its bytes are those of the original, one for one.
    is_plain: bool,
}

/// What a letter or digit neighbours: a word ends where the kind changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Digit,
    Korean,
    Letter,
    /// Of a script that is written without spaces.
    Unspaced,
}

/// A run of digits, or of letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'v> {
    pub(super) text: &'v str,
    /// Where it stands in the folded string.
    pub(super) at: Range<usize>,
}

/// A string, folded.
#[derive(Debug)]
pub(super) struct View<'t> {
    original: &'t str,
    folded: String,
    pieces: Vec<Piece>,
}

impl<'t> View<'t> {
    pub(super) fn of(original: &'t str) -> Self {
        let mut view = Self { original, folded: String::with_capacity(original.len()), pieces: Vec::new() };
        let (mut opens, mut run) = (true, 0..0);
        for (from, symbol) in original.char_indices() {
            let to = from.saturating_add(symbol.len_utf8());
            if symbol.is_ascii_alphanumeric() {
                run = if run.is_empty() { from..to } else { run.start..to };
                continue;
            }
            if !run.is_empty() {
                view.plain(run, opens);
                (opens, run) = (false, 0..0);
            }
            if symbol.is_ascii() {
                opens = true;
            } else if !is_unseen(symbol) {
                let begin = view.folded.len();
                let is_word = fold_symbol(symbol, &mut view.folded);
                if view.folded.len() > begin {
                    let piece = Piece { folded: begin, from, to, opens, is_plain: false };
                    view.pieces.push(piece);
                    opens = false;
                }
                opens = opens || !is_word;
            } else if !opens && let Some(last) = view.pieces.last_mut() {
                last.to = to;
            }
        }
        if !run.is_empty() {
            view.plain(run, opens);
        }
        view
    }

    fn plain(&mut self, run: Range<usize>, opens: bool) {
        if let Some(text) = self.original.get(run.clone()).filter(|text| !text.is_empty()) {
            let piece =
                Piece { folded: self.folded.len(), from: run.start, to: run.end, opens, is_plain: true };
            self.pieces.push(piece);
            self.folded.extend(text.chars().map(|symbol| symbol.to_ascii_lowercase()));
        }
    }

    pub(super) fn folded(&self) -> &str {
        &self.folded
    }

    pub(super) const fn original(&self) -> &'t str {
        self.original
    }

    /// Where in the original a stretch of the folded string stands; none if it ends within a letter.
    pub(super) fn original_of(&self, at: Range<usize>) -> Option<Range<usize>> {
        let first = self.piece_at(at.start)?;
        let last = self.piece_at(at.end.checked_sub(1)?)?;
        let from = match at.start.saturating_sub(first.folded) {
            0 => first.from,
            inside if first.is_plain => first.from.saturating_add(inside),
            _ => return None,
        };
        let is_whole = at.end == self.end_of(last);
        let to = if is_whole {
            last.to
        } else if last.is_plain {
            last.from.saturating_add(at.end.saturating_sub(last.folded))
        } else {
            return None;
        };
        Some(from..to)
    }

    fn piece_at(&self, offset: usize) -> Option<Piece> {
        let after = self.pieces.partition_point(|piece| piece.folded <= offset);
        self.pieces.get(after.checked_sub(1)?).copied()
    }

    fn end_of(&self, piece: Piece) -> usize {
        let next = self.pieces.partition_point(|other| other.folded <= piece.folded);
        self.pieces.get(next).map_or(self.folded.len(), |next| next.folded)
    }

    /// Whether something that is no letter or digit stands here, or the string begins or ends.
    pub(super) fn is_gap(&self, offset: usize) -> bool {
        offset >= self.folded.len()
            || self.piece_at(offset).is_none_or(|piece| piece.folded == offset && piece.opens)
    }

    /// The letter or digit before and the one after this place, where no gap is.
    pub(super) fn neighbours(&self, offset: usize) -> Option<(Kind, Kind)> {
        if self.is_gap(offset) {
            return None;
        }
        let before = self.folded.get(..offset)?.chars().next_back()?;
        let after = self.folded.get(offset..)?.chars().next()?;
        Some((kind(before), kind(after)))
    }

    /// What stands between the beginning of the word and this place, by no more than so many letters.
    pub(super) fn before(&self, offset: usize, most: usize) -> &str {
        let mut begin = offset;
        for _ in 0..most {
            if self.is_gap(begin) {
                break;
            }
            let before = self.folded.get(..begin).and_then(|text| text.chars().next_back());
            begin = begin.saturating_sub(before.map_or(begin, char::len_utf8));
        }
        self.folded.get(begin..offset).unwrap_or_default()
    }

    /// What stands between this place and the end of the word, by no more than so many letters.
    pub(super) fn after(&self, offset: usize, most: usize) -> &str {
        let mut end = offset;
        for _ in 0..most {
            if self.is_gap(end) {
                break;
            }
            let after = self.folded.get(end..).and_then(|text| text.chars().next());
            end = end.saturating_add(after.map_or(1, char::len_utf8));
        }
        self.folded.get(offset..end).unwrap_or_default()
    }

    /// Its words, as they came.
    pub(super) fn words(&self) -> Vec<&'t str> {
        let mut words: Vec<Range<usize>> = Vec::new();
        for piece in &self.pieces {
            match words.last_mut().filter(|_| !piece.opens) {
                Some(word) => word.end = piece.to,
                None => words.push(piece.from..piece.to),
            }
        }
        words.into_iter().filter_map(|word| self.original.get(word)).collect()
    }

    /// Its runs of digits and of letters.
    pub(super) fn tokens(&self) -> Vec<Token<'_>> {
        let mut tokens = Vec::new();
        let (mut begin, mut last) = (0, None);
        let mut end_at = |begin: usize, end: usize| {
            let text = self.folded.get(begin..end).filter(|text| !text.is_empty());
            tokens.extend(text.map(|text| Token { text, at: begin..end }));
        };
        let ends = self.pieces.iter().skip(1).map(|piece| piece.folded).chain([self.folded.len()]);
        for (piece, end) in self.pieces.iter().zip(ends) {
            let letters = self.folded.get(piece.folded..end).unwrap_or_default();
            for (inside, symbol) in letters.char_indices() {
                let (offset, kind) = (piece.folded.saturating_add(inside), Some(kind(symbol)));
                if (inside == 0 && piece.opens) || kind != last {
                    end_at(begin, offset);
                    begin = offset;
                }
                last = kind;
            }
        }
        end_at(begin, self.folded.len());
        tokens
    }
}

/// A string, folded, without the way back.
pub(super) fn fold(text: &str) -> String {
    View::of(text).folded
}

/// The ways in which a name is written with fewer letters than there are: as it is folded, and with umlauts spelled out
/// or drawn together.
pub(super) fn spellings(text: &str) -> Vec<String> {
    const DRAWN: [(&str, &str); 3] = [("ae", "a"), ("oe", "o"), ("ue", "u")];
    const SPELLED: [(char, &str); 5] = [('ä', "ae"), ('å', "aa"), ('ö', "oe"), ('ø', "oe"), ('ü', "ue")];
    let plain = fold(text);
    let mut spelled = String::new();
    for symbol in text.nfc().flat_map(char::to_lowercase) {
        match SPELLED.iter().find(|(umlaut, _)| *umlaut == symbol) {
            Some((_, letters)) => spelled.push_str(letters),
            None => spelled.push(symbol),
        }
    }
    let drawn = DRAWN.iter().fold(plain.clone(), |text, (two, one)| text.replace(two, one));
    let mut all = vec![fold(&spelled), plain];
    // Short words drawn together would be other words.
    all.extend(Some(drawn).filter(|drawn| drawn.chars().count() > 4));
    all.sort();
    all.dedup();
    all
}

pub(super) fn kind(symbol: char) -> Kind {
    if is_unspaced(symbol) {
        Kind::Unspaced
    } else if is_korean(symbol) {
        Kind::Korean
    } else if symbol.is_numeric() {
        Kind::Digit
    } else {
        Kind::Letter
    }
}

/// Chinese, Japanese, Thai, Lao, Burmese, Khmer.
pub(super) const fn is_unspaced(symbol: char) -> bool {
    matches!(symbol,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{312f}'
        | '\u{31f0}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Korean, whose particles follow a name without a space.
pub(super) const fn is_korean(symbol: char) -> bool {
    matches!(symbol, '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7ff}')
}

/// Hebrew and Arabic, whose particles stand before a name without a space.
pub(super) const fn is_semitic(symbol: char) -> bool {
    matches!(symbol, '\u{590}'..='\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

/// Marks, and characters that nobody sees: a word goes on across them.
fn is_unseen(symbol: char) -> bool {
    is_combining_mark(symbol)
        || matches!(symbol,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{640}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Adds what is left of a character; whether it belongs to a word.
fn fold_symbol(symbol: char, to: &mut String) -> bool {
    let mut is_word = false;
    decompose_compatible(symbol, |part| {
        for part in part.to_lowercase() {
            let letters = match part {
                'ß' => "ss",
                'æ' => "ae",
                'œ' => "oe",
                'ø' => "o",
                'đ' | 'ð' => "d",
                'ħ' => "h",
                'ı' => "i",
                'ł' => "l",
                'þ' => "th",
                'ς' => "σ",
                _ => "",
            };
            if let Some(digit) = digit(part) {
                to.push(digit);
                is_word = true;
            } else if !letters.is_empty() {
                to.push_str(letters);
                is_word = true;
            } else if part.is_alphanumeric() && !is_combining_mark(part) {
                to.push(part);
                is_word = true;
            }
        }
    });
    is_word
}

/// The digits of Arabic, Persian and Hindi, as those of everyone else.
fn digit(symbol: char) -> Option<char> {
    let zero =
        [0x660, 0x6f0, 0x966].into_iter().find(|zero| (*zero..zero + 10).contains(&u32::from(symbol)))?;
    char::from_digit(u32::from(symbol).saturating_sub(zero), 10)
}
