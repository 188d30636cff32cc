//! A product with a matrix, in a crate of its own so that it alone is optimised for speed.

/// Rows of the matrix that are added up before the output is written.
const ROWS: usize = 8;

/// Adds a batch of rows × a matrix to `output`: some rows of the matrix at a time, so that each is read once for the batch.
///
/// # Panics
/// If a length is no multiple of what it should be: `weights` of `columns`, `input` of the matrix' rows.
#[inline(never)]
pub fn multiply(input: &[f32], weights: &[f32], columns: usize, output: &mut [f32]) {
    let rows = weights.len() / columns;
    for first in (0..rows).step_by(ROWS) {
        let block = &weights[first * columns..(first + ROWS).min(rows) * columns];
        for (input, output) in input.chunks_exact(rows).zip(output.chunks_exact_mut(columns)) {
            let factors = &input[first..(first + ROWS).min(rows)];
            match <&[f32; ROWS]>::try_from(factors) {
                Ok(factors) => add_rows(factors, block, output),
                Err(_) => factors.iter().zip(block.chunks_exact(columns)).for_each(|(f, row)| add_row(*f, row, output)),
            }
        }
    }
}

#[inline(always)]
fn add_rows(x: &[f32; ROWS], block: &[f32], output: &mut [f32]) {
    let columns = output.len();
    let row = |index: usize| &block[index * columns..(index + 1) * columns];
    let (a, b, c, d, e, f, g, h) = (row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7));
    for column in 0..columns {
        let low = (x[0] * a[column] + x[1] * b[column]) + (x[2] * c[column] + x[3] * d[column]);
        let high = (x[4] * e[column] + x[5] * f[column]) + (x[6] * g[column] + x[7] * h[column]);
        output[column] += low + high;
    }
}

fn add_row(factor: f32, row: &[f32], output: &mut [f32]) {
    output.iter_mut().zip(row).for_each(|(sum, weight)| *sum += factor * weight);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_the_sum_over_rows_for_each_of_the_batch() {
        // 11 rows: a whole block and a rest; small whole numbers, so that sums are exact in any order
        let (rows, columns, batch) = (11, 5, 2);
        let weights: Vec<f32> = (0..rows * columns).map(|index| (index % 7) as f32 - 3.0).collect();
        let input: Vec<f32> = (0..batch * rows).map(|index| (index % 5) as f32 - 2.0).collect();
        let mut output = vec![0.0; batch * columns];
        multiply(&input, &weights, columns, &mut output);
        for one in 0..batch {
            for column in 0..columns {
                let expected: f32 =
                    (0..rows).map(|row| input[one * rows + row] * weights[row * columns + column]).sum();
                assert_eq!(output[one * columns + column], expected, "{one}, {column}");
            }
        }
    }
}
