"""Short programs in the languages that tree-sitter parses here, one statement a line."""

from __future__ import annotations

PROGRAMS = {
    "javascript": """\
import { open } from "fs";

// A "class" with { braces } in strings.
export class Cell {
  constructor(value) {
    this.value = value;
    this.text = `a ${value} {`;
  }

  async read(path) {
    const file = await open(path);
    if (file === null) {
      throw new Error("no } file");
    }
    return file.lines.map((line) => line.trim());
  }
}
""",
    "typescript": """\
interface Shape<T> {
  area(unit?: string): number;
  readonly name: T;
}

export function total(shapes: Shape<string>[]): number {
  let sum: number = 0;
  for (const shape of shapes) {
    sum += shape.area("m");
  }
  return sum as number;
}
""",
    "tsx": """\
export function App(props: { names: string[] }) {
  const [open, setOpen] = useState<boolean>(false);
  return (
    <ul className="a">
      {props.names.map((name) => <li key={name}>{name}</li>)}
    </ul>
  );
}
""",
    "go": """\
package cells

import "fmt"

type Cell struct {
	Value int
}

func (c *Cell) Read(n int) (int, error) {
	if n < 0 {
		return 0, fmt.Errorf("negative: %d", n)
	}
	sum := 0
	for i := 0; i < n; i++ {
		sum += c.Value
	}
	return sum, nil
}
""",
    "rust": """\
use std::fmt;

pub struct Cell<'a> {
    value: &'a str,
}

impl<'a> Cell<'a> {
    pub fn read(&self, n: usize) -> Result<String, fmt::Error> {
        let mut out = String::new();
        for _ in 0..n {
            out.push_str(self.value);
        }
        match out.len() {
            0 => Err(fmt::Error),
            _ => Ok(out),
        }
    }
}
""",
    "java": """\
package cells;

import java.util.List;

public class Cell<T extends Number> {
    private final int value = 1;

    @Override
    public String toString() {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < value; i++) {
            out.append("x}");
        }
        return out.toString();
    }
}
""",
    "c": """\
#include <stdio.h>
#define LIMIT 10

struct cell {
    int value;
};

static int read_cell(const struct cell *c, int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) {
        sum += c->value;
    }
    if (sum > LIMIT) {
        printf("%d }\\n", sum);
    }
    return sum;
}
""",
    "c++": """\
#include <vector>

namespace cells {
template <typename T>
class Cell {
public:
    explicit Cell(T value) : value_(value) {}

    int read(std::vector<int> xs) const {
        auto add = [](int a, int b) { return a + b; };
        int sum = 0;
        for (auto x : xs) {
            sum = add(sum, x);
        }
        return sum;
    }

private:
    T value_;
};
}
""",
}
