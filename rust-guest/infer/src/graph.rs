//! From a GraphDef's bytes to tract's model of it, holding as few copies of the weights as possible at any time.

use std::collections::{BTreeMap, BTreeSet};

use tract_tensorflow::model::{ParsingContext, TfOpRegister};
use tract_tensorflow::tfpb::tensorflow::NodeDef;
use tract_tensorflow::tract_hir::internal::*;

use crate::constants::Constants;
use crate::ops;

/// A graph out of its file.
#[derive(Debug)]
pub struct Graph {
    /// In the file's order.
    pub nodes: Vec<Node>,
    /// Length of the file.
    pub file_bytes: usize,
}

/// A node; a constant's value may be a tensor already, and is in the protobuf otherwise.
#[derive(Debug)]
pub struct Node {
    pub proto: NodeDef,
    pub tensor: Option<Tensor>,
}

/// Builds what `outputs` depend on, with the one placeholder's shape set to `shape`.
///
/// Nodes are taken out of the graph as they are built, so that a weight's protobuf is freed before the next is read.
pub fn build(graph: Graph, shape: &[usize], outputs: &[String]) -> TractResult<InferenceModel> {
    ensure!(!graph.nodes.is_empty(), "the model has no nodes");
    let mut builder = Builder {
        model: InferenceModel::default(),
        register: ops::register(),
        built: BTreeMap::new(),
        constants: Constants::in_graph_of(graph.file_bytes),
    };
    let mut nodes = by_name(graph.nodes)?;
    for output in outputs {
        builder.build_with_its_inputs(output, &mut nodes, shape)?;
    }
    let outlets: Vec<OutletId> = outputs.iter().map(|output| OutletId::new(builder.built[output], 0)).collect();
    let mut model = builder.model;
    model.select_output_outlets(&outlets)?;
    ensure!(model.inputs.len() == 1, "expected one placeholder before the outputs, found {}", model.inputs.len());
    Ok(model)
}

fn by_name(nodes: Vec<Node>) -> TractResult<BTreeMap<String, Node>> {
    let mut named = BTreeMap::new();
    for node in nodes {
        if let Some(earlier) = named.insert(node.proto.name.clone(), node) {
            bail!("two nodes of the graph are named {}", earlier.proto.name);
        }
    }
    Ok(named)
}

struct Builder {
    model: InferenceModel,
    register: TfOpRegister,
    built: BTreeMap<String, usize>,
    constants: Constants,
}

impl Builder {
    /// Depth first, on a stack of our own: a wasm guest's is small and graphs are deep.
    fn build_with_its_inputs(
        &mut self,
        output: &str,
        nodes: &mut BTreeMap<String, Node>,
        shape: &[usize],
    ) -> TractResult<()> {
        let mut stack = vec![output.to_string()];
        let mut open = BTreeSet::new();
        while let Some(name) = stack.last().cloned() {
            if self.built.contains_key(&name) {
                stack.pop();
                continue;
            }
            let node = nodes.get(&name).ok_or_else(|| format_err!("the graph has no node {name}, or it is a cycle"))?;
            let missing: Vec<String> =
                data_inputs(&node.proto)?.into_iter().filter(|i| !self.built.contains_key(i)).collect();
            if missing.is_empty() {
                let node = nodes.remove(&name).expect("it was there a moment ago");
                self.add(node, shape)?;
                continue;
            }
            ensure!(open.insert(name.clone()), "the graph has a cycle through {name}");
            stack.extend(missing);
        }
        Ok(())
    }

    /// Adds one node whose inputs are built already.
    fn add(&mut self, Node { proto: node, tensor }: Node, shape: &[usize]) -> TractResult<()> {
        let build = self.register.0.get(&node.op);
        let build = build.ok_or_else(|| format_err!("{}: this guest has no operator {}", node.name, node.op))?;
        if let Some((attribute, _)) = node.attr.iter().find(|(_, attribute)| attribute.value.is_none()) {
            bail!("{}: the attribute {attribute} has no value", node.name);
        }
        let op = match tensor {
            Some(tensor) => self.constants.take(&node.name, tensor)?,
            None => {
                self.constants.check(&node)?;
                build(&ParsingContext::default(), &node).with_context(|| format!("{} ({})", node.name, node.op))?
            }
        };
        let id = self.model.add_node(&*node.name, op, tvec!(InferenceFact::default()))?;
        for (slot, input) in data_inputs(&node)?.iter().enumerate() {
            self.model.add_edge(OutletId::new(self.built[input], 0), InletId::new(id, slot))?;
        }
        if node.op == "Placeholder" {
            check_placeholder(&node, shape)?;
            self.model.set_outlet_fact(OutletId::new(id, 0), f32::fact(shape).into())?;
            self.model.inputs.push(OutletId::new(id, 0));
        }
        self.built.insert(node.name, id);
        Ok(())
    }
}

/// The names of the nodes it takes tensors from. Control inputs (`^name`) order side effects, and there are none here.
fn data_inputs(node: &NodeDef) -> TractResult<Vec<String>> {
    let inputs = node.input.iter().filter(|input| !input.starts_with('^'));
    inputs.map(|input| first_output_of(input).with_context(|| format!("input of {}", node.name))).collect()
}

/// `name` or `name:0`; no operator of this guest has a second output.
fn first_output_of(input: &str) -> TractResult<String> {
    match input.split_once(':') {
        None => Ok(input.into()),
        Some((name, "0")) => Ok(name.into()),
        Some(_) => bail!("{input}: this guest builds first outputs only"),
    }
}

/// A graph that fixes its input's shape must be given that shape.
fn check_placeholder(node: &NodeDef, shape: &[usize]) -> TractResult<()> {
    ensure!(node.get_attr_datum_type("dtype")? == DatumType::F32, "{}: the placeholder is no float32", node.name);
    let Some(fixed) = node.get_attr_opt_shape("shape")?.filter(|fixed| !fixed.is_empty()) else { return Ok(()) };
    let fits = |(fixed, given): (&isize, &usize)| *fixed < 0 || *fixed as usize == *given;
    let all_fit = fixed.len() == shape.len() && fixed.iter().zip(shape).all(fits);
    ensure!(all_fit, "{}: the graph takes the shape {fixed:?}, not {shape:?}", node.name);
    Ok(())
}
