import os
import random
import struct
from contextlib import suppress

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from bundle.made import made_onnx
from cancernet.bundle import check_onnx_file, read_onnx_file
from cancernet.errors import CorruptFile, StorageFailure


def external(tensor=None):
    """Return a tensor whose values lie in another file."""
    tensor = tensor or TensorProto(name="outside", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return tensor


def subgraph(*nodes, initializer=()):
    """Return a graph that another node may hold."""
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    return helper.make_graph(list(nodes), "inner", [], [output], list(initializer))


def external_initializer(model):
    external(model.graph.initializer[0])


def external_location_without_flag(model):
    model.graph.initializer[0].external_data.add(key="location", value="weights.bin")


def external_sparse_initializer(model):
    sparse = model.graph.sparse_initializer.add(dims=[4])
    sparse.values.CopyFrom(external())


def external_constant(model):
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=external()))


def external_in_list_attribute(model):
    node = model.graph.node.add(op_type="Constant", output=["c"])
    node.attribute.add(name="values", type=onnx.AttributeProto.TENSORS).tensors.append(external())


def external_in_mistyped_attribute(model):
    node = model.graph.node.add(op_type="Constant", output=["c"])
    node.attribute.add(name="value", type=onnx.AttributeProto.INT, i=1).t.CopyFrom(external())


def external_sparse_attribute(model):
    node = model.graph.node.add(op_type="Constant", output=["c"])
    attribute = node.attribute.add(name="sparse_value", type=onnx.AttributeProto.SPARSE_TENSOR)
    attribute.sparse_tensor.indices.CopyFrom(external())


def external_in_nested_graphs(model):
    inner = subgraph(initializer=[external()])
    middle = subgraph(helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=subgraph()))
    model.graph.node.append(helper.make_node("Loop", ["m", "c"], ["z"], body=middle))


def external_in_list_of_graphs(model):
    node = model.graph.node.add(op_type="If", output=["c"])
    node.attribute.add(name="g", type=onnx.AttributeProto.GRAPHS).graphs.append(subgraph(initializer=[external()]))


def foreign_domain(model):
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def foreign_node(model):
    model.graph.node.add(op_type="Attention", domain="com.example", output=["c"])


def foreign_node_in_subgraph(model):
    foreign = helper.make_node("Evil", [], ["y"], domain="com.example")
    model.graph.node.append(helper.make_node("If", ["c"], ["z"], then_branch=subgraph(foreign), else_branch=subgraph()))


def classical_domain(model):
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 2))


def own_function(model):
    model.functions.append(helper.make_function("", "Mine", ["a"], ["b"], [], [helper.make_opsetid("", 18)]))


def training_graph(model):
    model.training_info.add().algorithm.CopyFrom(subgraph())


UNSAFE = [
    (external_initializer, "'kernel1' in another file"),
    (external_location_without_flag, "'kernel1' in another file"),
    (external_sparse_initializer, "'outside' in another file"),
    (external_constant, "'outside' in another file"),
    (external_in_list_attribute, "'outside' in another file"),
    (external_in_mistyped_attribute, "'outside' in another file"),
    (external_sparse_attribute, "'outside' in another file"),
    (external_in_nested_graphs, "'outside' in another file"),
    (external_in_list_of_graphs, "'outside' in another file"),
    (foreign_domain, "domain 'com.microsoft'"),
    (foreign_node, "'Attention' of the domain 'com.example'"),
    (foreign_node_in_subgraph, "'Evil' of the domain 'com.example'"),
    (classical_domain, r"domain 'ai\.onnx\.ml'"),
    (own_function, "functions of its own"),
    (training_graph, "training graphs"),
]


@pytest.mark.parametrize(("harm", "message"), UNSAFE, ids=lambda part: getattr(part, "__name__", ""))
def test_what_reaches_beyond_the_file_is_refused(harm, message, tmp_path):
    model = made_onnx()
    harm(model)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(CorruptFile, match=message):
        check_onnx_file(path)


def test_a_plain_file_passes_and_its_bytes_come_back(tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(made_onnx(), path)
    check_onnx_file(path)
    assert read_onnx_file(str(path)) == path.read_bytes()


def test_the_full_name_of_the_standard_domain_passes(tmp_path):
    model = made_onnx()
    model.opset_import[0].domain = "ai.onnx"
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    check_onnx_file(tmp_path / "model.onnx")


def test_weights_that_the_exporter_moved_out_are_refused(tmp_path):
    model = made_onnx()
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(4000, np.float32), "large"))
    onnx.save(model, tmp_path / "model.onnx", save_as_external_data=True, location="weights.bin")
    with pytest.raises(CorruptFile, match="'large' in another file"):
        check_onnx_file(tmp_path / "model.onnx")


@pytest.mark.parametrize("content", [b"", b"\x00", b"no ONNX at all", b"{}", struct.pack("<Q", 2**63)])
def test_what_is_no_onnx_file_is_called_so(content, tmp_path):
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(CorruptFile, match="is no ONNX file"):
        check_onnx_file(tmp_path / "model.onnx")


def test_an_absurdly_large_file_is_not_read(tmp_path):
    with (tmp_path / "model.onnx").open("wb") as stream:
        os.truncate(stream.fileno(), 2**31)  # sparse: takes no room
    with pytest.raises(CorruptFile, match="larger than 2 GiB"):
        check_onnx_file(tmp_path / "model.onnx")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StorageFailure, match=r"none\.onnx"):
        check_onnx_file(tmp_path / "none.onnx")


@given(seed=st.integers(0, 2**32))
def test_random_damage_never_makes_another_error(seed, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    rng = random.Random(seed)
    content = bytearray(made_onnx().SerializeToString())
    for _ in range(rng.randint(1, 20)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    path.write_bytes(content[: rng.randint(1, len(content))])
    with suppress(CorruptFile):  # some damage is harmless: another name, another weight
        check_onnx_file(path)
