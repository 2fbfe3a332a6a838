#[cfg(test)]
mod layers;
