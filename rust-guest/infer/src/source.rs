//! A graph's file on its way to nodes: its bytes first, decoded whole.

use std::path::Path;

use prost::Message;
use tract_tensorflow::tfpb::tensorflow::GraphDef;
use tract_tensorflow::tract_hir::internal::*;

use crate::graph::{Graph, Node};
use crate::read;

/// A graph that has been read.
#[derive(Debug)]
pub struct Source(Vec<u8>);

impl Source {
    /// Reads the file.
    pub fn open(path: &Path) -> Result<Self, String> {
        read::file(path).map(Source)
    }

    /// Decodes the protobuf, then drops its bytes.
    pub fn decode(self) -> TractResult<Graph> {
        let graph = GraphDef::decode(&*self.0).map_err(|why| format_err!("the model is no whole GraphDef: {why}"))?;
        let nodes = graph.node.into_iter().map(|proto| Node { proto, tensor: None }).collect();
        Ok(Graph { nodes, file_bytes: self.0.len() })
    }
}
